"""Run as a script: fill a fresh database with a team, its people, templates for both engines and a key (printed)."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from pdfservice.teams.models import Team

SOURCE = """<!doctype html><html lang="en"><head><title>Document</title></head><body>
<h1>Document {{ number }}.</h1>
<table>{% for row in range(rows) %}<tr><td>{{ row }}</td><td>a cell</td></tr>{% endfor %}</table>
</body></html>"""
PASSWORD = "a long pass phrase"


def main() -> None:
    """Fill it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pdfservice.settings")
    django.setup()
    from django.core.management import call_command

    from pdfservice.teams.api_keys import api_key_create
    from pdfservice.teams.models import Team
    from pdfservice.teams.scopes import PROGRAM_SCOPES, Scope
    from templates_app.renderer.contracts import Engine, Language
    from templates_app.sample_templates import sample_source
    from templates_app.services import VersionSource, version_publish_new

    call_command("migrate", verbosity=0)
    team = Team.objects.create(slug="acme", name="Acme")
    _people(team, Team.objects.create(slug="umbrella", name="Umbrella"))
    for engine in Engine:
        source = VersionSource(language=Language.JINJA2, engine=engine, html_source=SOURCE)
        version_publish_new(team=team, slug=engine.value, name=engine.value, source=source, actor="tests")
        for sample in ("invoice", "monthly-report"):
            source = replace(sample_source(sample), engine=engine)
            version_publish_new(team=team, slug=f"{sample}-{engine.value}", name=sample, source=source, actor="tests")
    _, text = api_key_create(team=team, name="tests", actor="tests", scopes=[*PROGRAM_SCOPES, Scope.TEMPLATES_WRITE])
    sys.stdout.write(text)


def _people(acme: Team, umbrella: Team) -> None:
    """Make the cast of tests/conftest.py, an author and an operator of acme, and a superuser."""
    from pdfservice.teams.models import Membership, User
    from pdfservice.teams.scopes import Role

    members = {
        "alice": Role.ADMIN,
        "anna": Role.AUTHOR,
        "oscar": Role.OPERATOR,
        "bob": Role.VIEWER,
        "charlie": Role.ADMIN,
    }
    for name, role in members.items():
        user = User.objects.create_user(username=name, password=PASSWORD, is_staff=True)
        Membership.objects.create(user=user, team=umbrella if name == "charlie" else acme, role=role)
    User.objects.create_superuser(username="sam", password=PASSWORD)


if __name__ == "__main__":
    main()
