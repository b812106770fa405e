"""`manage.py serve`"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction

from pdfservice.lib.processes import Keeper, Kept, die_with_parent, manage_command
from pdfservice.teams.api_keys import api_key_create
from pdfservice.teams.models import Membership, Team, User
from pdfservice.teams.scopes import Role
from templates_app.models import Template


class Command(BaseCommand):
    """Everything on this host: web, workers and maintenance, stopped by one signal."""

    help = "Migrate, then run web, work and maintain. The first start makes a team, an admin and an API key."

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT."""
        die_with_parent()
        call_command("migrate", verbosity=0)
        self._say(
            f"Serving on {settings.PUBLIC_URL}  (dashboard: /dashboard/, API documentation: /api/docs/, admin: /admin/)"
        )
        if not Team.objects.exists():
            self._make_first_team()
        if not Template.objects.exists():
            call_command("load_samples", Team.objects.earliest("pk").slug, verbosity=0)
        self._say("Press Ctrl-C to stop.")
        kept = [Kept(name, manage_command(name, "--skip-checks")) for name in ("web", "work", "maintain")]
        Keeper(kept, grace_s=30).run()

    def _make_first_team(self) -> None:
        password = secrets.token_urlsafe(12)
        with transaction.atomic():
            team = Team.objects.create(slug="main", name="Main")
            admin = User.objects.create_superuser(username="admin", password=password)
            Membership.objects.create(user=admin, team=team, role=Role.ADMIN)
            _, text = api_key_create(team=team, name="first key", actor="serve")
        self._say("First start: these are shown now and never again.")
        self._say(f"  admin user      admin\n  admin password  {password}\n  API key         {text}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
