"""Run as a script: give a service two teams whose template does what its payload says, and print their keys as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django

# `mood` makes a document hang, eat memory, meet a fault of the template or miss a part of the payload.
SOURCE = """<!doctype html><html lang="en"><head><title>Document</title></head><body>
{% if mood == "hang" %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{% endif %}
{% if mood == "bomb" %}{% set text = namespace(x="aaaaaaaa") %}
{% for i in range(60) %}{% set text.x = text.x ~ text.x %}{% endfor %}{% endif %}
{% if mood == "broken" %}{{ 1 // 0 }}{% endif %}
{% if mood == "lacking" %}{{ customer.name }}{% endif %}
<h1>Document {{ unique }}.</h1>
<table>{% for row in range(rows) %}<tr><td>{{ row }}</td><td>a cell</td></tr>{% endfor %}</table>
</body></html>"""
TEAMS = ("one", "two")


def main() -> None:
    """Fill it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pdfservice.settings")
    django.setup()
    from pdfservice.teams.api_keys import api_key_create
    from pdfservice.teams.models import Team
    from templates_app.renderer.contracts import Engine, Language
    from templates_app.services import VersionSource, version_publish_new

    keys = {}
    for slug in TEAMS:
        team = Team.objects.create(slug=slug, name=slug)
        for engine in Engine:
            source = VersionSource(language=Language.JINJA2, engine=engine, html_source=SOURCE)
            version_publish_new(team=team, slug=f"moody-{engine.value}", name="Moody", source=source, actor="tests")
        _, keys[slug] = api_key_create(team=team, name="chaos", actor="tests")
    sys.stdout.write(json.dumps(keys))


if __name__ == "__main__":
    main()
