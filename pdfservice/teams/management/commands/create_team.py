"""`manage.py create_team SLUG --user NAME --role admin`"""

from __future__ import annotations

import getpass
import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_slug
from django.db import transaction

from pdfservice.teams.api_keys import api_key_create
from pdfservice.teams.models import Membership, Team, User
from pdfservice.teams.scopes import PROGRAM_SCOPES, Role, Scope


class Command(BaseCommand):
    """Makes a team, a member and an API key; safe to repeat, each run makes one more key."""

    help = "Make a team with a member, and print an API key once, alone on the last line of standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("slug")
        parser.add_argument("--name", help="the team's name; its slug if left out")
        parser.add_argument("--user", help="a member to add; made, with a generated password, if there is none")
        parser.add_argument("--role", choices=Role.values, default=Role.ADMIN)
        parser.add_argument("--superuser", action="store_true", help="make the new user a superuser")
        parser.add_argument("--key-name", default="command line")
        parser.add_argument("--scope", action="append", choices=list(Scope), help="a scope of the key; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it all in one transaction."""
        try:
            validate_slug(options["slug"])
        except ValidationError as error:
            raise CommandError(f"{options['slug']!r} is not a slug: letters, digits, - and _ only.") from error
        with transaction.atomic():
            team, _ = Team.objects.get_or_create(
                slug=options["slug"], defaults={"name": options["name"] or options["slug"]}
            )
            if options["user"]:
                self._add_member(team, options["user"], options["role"], superuser=options["superuser"])
            scopes = [Scope(name) for name in options["scope"] or PROGRAM_SCOPES]
            _, text = api_key_create(
                team=team, name=options["key_name"], actor=f"user:{getpass.getuser()}", scopes=scopes
            )
        self.stdout.write(text)

    def _add_member(self, team: Team, username: str, role: str, *, superuser: bool) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            password = secrets.token_urlsafe(12)
            user = User.objects.create_user(username=username, password=password, is_staff=True, is_superuser=superuser)
            self.stderr.write(f"Made the user {username} with the password {password}")
        Membership.objects.update_or_create(user=user, team=team, defaults={"role": role})
