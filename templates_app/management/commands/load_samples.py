"""`manage.py load_samples TEAM`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pdfservice.teams.models import Team
from templates_app.sample_templates import sample_name, sample_slugs, sample_source
from templates_app.services import version_publish_new


class Command(BaseCommand):
    """Publishes the sample templates for a team; safe to repeat."""

    help = "Publish the sample templates for a team. What is there already and unchanged stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("team", help="the team's slug")

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish each sample."""
        team = Team.objects.filter(slug=options["team"]).first()
        if team is None:
            raise CommandError(f"There is no team {options['team']!r}; make it with: manage.py create_team")
        for slug in sample_slugs():
            version = version_publish_new(
                team=team, slug=slug, name=sample_name(slug), source=sample_source(slug), actor="load_samples"
            )
            if options["verbosity"]:
                self.stdout.write(f"{slug} v{version.version} ({version.language}, {version.engine})")
