"""What a claim and an admission cost while few and while very many jobs wait, on PostgreSQL.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/pdfservice python benchmarks/claim.py [--waiting 1000000]

Makes databases of its own on that server and drops them. Calls `transitions.claim` and `transitions.enqueue` as workers
and the API do.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg

if TYPE_CHECKING:
    from jobs_app.models import Job

ROOT = Path(__file__).resolve().parent.parent
FEW = 1000
# Calls that a figure is the median of. Their rows are taken from those that wait: few must stay few.
CALLS = 200
WARM_UP = 20


@dataclass(frozen=True)
class Costs:
    """Median milliseconds."""

    claim: float
    admission: float
    newcomer: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=1_000_000, help="rows of the large case")
    parser.add_argument("--teams", type=int, default=1000, help="teams that share the rows in the last case")
    options = parser.parse_args()
    if not FEW < options.waiting <= 20_000_000 or not 1 <= options.teams <= FEW:
        parser.error(f"--waiting must lie between {FEW} and 20000000, --teams between 1 and {FEW}")
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        parser.error("DATABASE_URL must name a PostgreSQL server")
    with own_database(server):
        cases = [(FEW, 1), (options.waiting, 1), (FEW, options.teams), (options.waiting, options.teams)]
        print(f"{'waiting':>10} {'teams':>6} {'claim':>9} {'admission':>11} {'of a new team':>14}", flush=True)
        costs = []
        for waiting, teams in cases:
            costs.append(_measure(waiting, teams))
            _print_row(f"{waiting:>10,} {teams:>6}", costs[-1], "{:.2f} ms")
        for few, many, teams in ((costs[0], costs[1], 1), (costs[2], costs[3], options.teams)):
            pairs = zip(vars(many).values(), vars(few).values(), strict=True)
            ratios = Costs(*(large / small for large, small in pairs))
            _print_row(f"{'many / few':>10} {teams:>6}", ratios, "{:.2f}")


def _print_row(start: str, costs: Costs, form: str) -> None:
    cells = (form.format(value) for value in vars(costs).values())
    print(start, "{:>9} {:>11} {:>14}".format(*cells), flush=True)


@contextmanager
def own_database(server: str) -> Iterator[None]:
    """Make a database on that server, set Django up on it, and drop it in the end."""
    name = f"pdfservice_benchmark_{secrets.token_hex(4)}"
    administration = urlunsplit(urlsplit(server)._replace(path="/postgres"))
    with psycopg.connect(administration, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            with tempfile.TemporaryDirectory(prefix="pdfservice-benchmark-") as directory:
                _set_up(urlunsplit(urlsplit(server)._replace(path=f"/{name}")), directory)
                yield
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _set_up(url: str, directory: str) -> None:
    sys.path.insert(0, str(ROOT))
    # Tickets go into the same database: nobody else's Redis gets any.
    ours = {"DATABASE_URL": url, "REDIS_URL": "", "DATA_DIR": directory, "SECRET_KEY": secrets.token_hex(32)}
    os.environ.update({**ours, "DJANGO_SETTINGS_MODULE": "pdfservice.settings"})
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _measure(waiting: int, teams: int) -> Costs:
    from jobs_app import transitions

    crowded = _fill(waiting, teams)
    newcomer = submitter(f"team-{teams}")
    # The order matters: the claims take away what the other two find.
    admission = _median_ms(lambda: transitions.enqueue(crowded(), actor="benchmark"))
    of_newcomer = _median_ms(lambda: transitions.enqueue(newcomer(), actor="benchmark"))
    claim = _median_ms(lambda: transitions.claim(worker="benchmark/1"))
    return Costs(claim, admission, of_newcomer)


def _median_ms(call: Callable[[], object]) -> float:
    times = []
    for number in range(WARM_UP + CALLS):
        began = time.perf_counter()
        call()
        if number >= WARM_UP:
            times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def _fill(waiting: int, teams: int) -> Callable[[], Job]:
    """Let `waiting` jobs of `teams` teams wait, and return what makes one more of the first team's.

    One goes the product's way, the others are its copies. One more team has no job yet.
    """
    from django.db import connection

    from jobs_app import transitions
    from jobs_app.models import Job
    from pdfservice.teams.models import Team

    _empty()
    members = Team.objects.bulk_create([Team(slug=f"team-{n}", name=f"Team {n}") for n in range(teams + 1)])
    submit = submitter(members[0].slug)
    first = submit()
    transitions.enqueue(first, actor="benchmark")
    own = {
        "external_id": "gen_random_uuid()",
        "team_id": f"{members[0].pk} + n % {teams}",
        "turn": f"n / {teams}",
        "queued_at": "now() - n * interval '1 microsecond'",
    }
    columns = [str(field.column) for field in Job._meta.concrete_fields if not field.primary_key]
    values = ", ".join(own.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO jobs_app_job ({', '.join(columns)}) "  # noqa: S608  # names of columns, and our own numbers
            f"SELECT {values} FROM jobs_app_job, generate_series(1, {waiting - 1}) AS n WHERE id = {first.pk}"
        )
        cursor.execute("VACUUM ANALYZE jobs_app_job")
    return submit


def _empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE jobs_app_job, teams_team, templates_app_templateversion, django_q_ormq CASCADE")


def submitter(slug: str) -> Callable[[], Job]:
    """Return what makes one more job of a team, not saved yet; once for each team."""
    from jobs_app import transitions
    from jobs_app.models import Job
    from pdfservice.teams.models import Team, User
    from templates_app.models import Template, TemplateVersion

    team = Team.objects.get(slug=slug)
    user, _ = User.objects.get_or_create(username="benchmark")
    template = Template.objects.create(team=team, slug="letter", name="Letter")
    version = TemplateVersion.objects.create(template=template, version=1)
    return lambda: Job(
        team=team,
        template_version=version,
        requested_by_user=user,
        payload="{}",
        payload_hash="0" * 64,
        max_attempts=transitions.ATTEMPTS,
    )


if __name__ == "__main__":
    main()
