"""What monthly partitions of the jobs table would give and take, on PostgreSQL. See benchmarks/README.md."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
MONTHS = 12
WAITING = 2000
TEAMS = 50
PLAIN, PARTED = "plain", "parted"
# Both hold the same rows in the same order, waiting ones last.
FILL = """
    INSERT INTO {table} (
        external_id, kind, payload, payload_hash, options, priority, effective_priority, turn, status, attempt_count,
        max_attempts, claim_number, claimed_by, error_code, error_message, error_detail, warnings, timings, page_count,
        queued_at, due_since, started_at, finished_at, output_id, requested_by_key_id, team_id, template_version_id,
        cache_key
    )
    SELECT md5('job' || n)::uuid, 'render', CASE WHEN mod(n, 20) = 0 THEN repeat(md5(n::text), 15) END, md5(n::text),
        '{{}}', 5, 5, n, CASE WHEN n <= %(done)s THEN 'expired' ELSE 'queued' END, 1, 3, 1, '', '', '', '{{}}', '[]',
        '{{"queue_ms": 12, "render_ms": 140, "total_ms": 190}}', 1, at, at, at,
        CASE WHEN n <= %(done)s THEN at END, CASE WHEN n <= %(done)s THEN n END, 1, mod(n, %(teams)s), 1,
        md5('key' || n)
    FROM (SELECT n, timestamptz '2025-01-01' + n * (interval '365 days' / (%(rows)s + 1)) AS at
          FROM generate_series(1, %(rows)s) AS n) AS numbered
"""
PICK = """
    SELECT id, queued_at FROM {table} WHERE status = 'queued' AND run_at IS NULL
    ORDER BY effective_priority, turn, id LIMIT 1
"""
TAKE = """
    UPDATE {table} SET status = 'processing', claim_number = claim_number + 1, claimed_by = 'w', started_at = now(),
        lease_expires_at = now() + interval '30 s' WHERE id = %(id)s AND status = 'queued' {where}
"""


@dataclass(frozen=True)
class Line:
    """One measurement of both tables, in seconds."""

    name: str
    plain: float
    parted: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="jobs in each of the two tables")
    options = parser.parse_args()
    if not 20_000 <= options.rows <= 20_000_000:
        parser.error("--rows must lie between 20000 and 20000000")
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        parser.error("DATABASE_URL must point at a PostgreSQL server on which databases may be made")
    print(f"{options.rows:,} jobs over {MONTHS} months, {WAITING:,} of them waiting; milliseconds in parentheses\n")
    print("| | plain table | monthly partitions |\n|---|---|---|", flush=True)
    with scratch_database(url) as scratch, psycopg.connect(scratch, autocommit=True) as db:
        for line in measure(db, options.rows):
            ratio = line.parted / line.plain
            print(
                f"| {line.name} | 1 ({line.plain * 1000:,.2f}) | {ratio:.2f} ({line.parted * 1000:,.2f}) |", flush=True
            )
        print(f"\n{sizes(db)}")


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """Yield the address of a database with the service's own tables, and drop it afterwards."""
    name = f"pdfservice_partitions_{secrets.token_hex(4)}"
    server, own = (urlsplit(url)._replace(path=f"/{database}").geturl() for database in ("postgres", name))
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
        try:
            # Its output would be between the lines of the table.
            environment = {**os.environ, "DATABASE_URL": own, "SECRET_KEY": secrets.token_hex(32)}
            command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(command, cwd=ROOT, env=environment, check=True)
            yield own
        finally:
            db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def measure(db: psycopg.Connection, rows: int) -> Iterator[Line]:
    """Make and fill both tables, then yield each measurement, the destructive ones last."""
    make_tables(db)
    numbers = {"rows": rows, "done": rows - WAITING, "teams": TEAMS}
    fill = {table: timed(partial(run, db, FILL, table, numbers)) / rows for table in (PLAIN, PARTED)}
    yield Line("insert a row, in bulk", fill[PLAIN], fill[PARTED])
    for table in (PLAIN, PARTED):
        run(db, "VACUUM ANALYZE {table}", table)
    yield in_turns("pick the next job", lambda table, n: run(db, PICK, table))
    yield in_turns("claim it, by id alone", lambda table, n: claim(db, table))
    yield in_turns("claim it, by id and month", lambda table, n: claim(db, table, by_month=table == PARTED))
    look_up = "SELECT * FROM {table} WHERE external_id = md5('job' || %(n)s)::uuid"
    yield in_turns("find a job by its public id", lambda table, n: run(db, look_up, table, {"n": n * 97 + 1}))
    page = "SELECT * FROM {table} WHERE team_id = %(n)s ORDER BY id DESC LIMIT 50"
    yield in_turns("list a team's newest 50", lambda table, n: run(db, page, table, {"n": n % TEAMS}))
    recent = "SELECT count(*) FROM {table} WHERE finished_at > timestamptz '2025-11-30' AND status = 'expired'"
    yield in_turns("count what ended in the last month", lambda table, n: run(db, recent, table), times=9)
    delete = "DELETE FROM {table} WHERE queued_at < timestamptz '2025-02-01'"
    drop = "DROP TABLE parted_1"
    deleted = timed(lambda: run(db, delete, PLAIN))
    cleaned = timed(lambda: run(db, "VACUUM {table}", PLAIN))
    dropped = timed(lambda: run(db, drop, PARTED))
    yield Line("get rid of a month", deleted, dropped)
    yield Line("get rid of a month, vacuum included", deleted + cleaned, dropped)
    churn = "UPDATE {table} SET lease_expires_at = now() + interval '60 s' WHERE status = 'processing'"
    vacuumed = {table: vacuum_after(db, churn, table) for table in (PLAIN, PARTED)}
    yield Line("vacuum after work on what is new", vacuumed[PLAIN], vacuumed[PARTED])


def make_tables(db: psycopg.Connection) -> None:
    """Make both tables like the service's own, with all of its indexes and checks; foreign keys out are left away."""
    like = "(LIKE jobs_app_job INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING IDENTITY)"
    run(db, f"CREATE TABLE plain {like}", PLAIN)
    run(db, f"CREATE TABLE parted {like} PARTITION BY RANGE (queued_at)", PARTED)
    for month in range(1, MONTHS + 1):
        end = f"2025-{month + 1:02}-01" if month < MONTHS else "2026-01-01"
        bounds = f"FROM ('2025-{month:02}-01') TO ('{end}')"
        run(db, f"CREATE TABLE parted_{month} PARTITION OF parted FOR VALUES {bounds}", PARTED)
    definitions = db.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'jobs_app_job'").fetchall()
    for number, (definition,) in enumerate(definitions):
        for table in (PLAIN, PARTED):
            sql = re.sub(r"INDEX \S+ ON \S+", f"INDEX {table}_index_{number} ON {table}", definition)
            if table == PARTED and "UNIQUE" in sql:  # PostgreSQL asks for the partition's key in each
                sql = re.sub(r"USING btree \(([^)]*)\)", r"USING btree (\1, queued_at)", sql)
            run(db, sql, table)


def claim(db: psycopg.Connection, table: str, *, by_month: bool = False) -> None:
    """Claim the next job in two statements, as the service does."""
    sql = TAKE.replace("{where}", "AND queued_at = %(queued_at)s" if by_month else "")
    with db.transaction():
        row = db.execute(f"{PICK} FOR UPDATE SKIP LOCKED".format(table=table).encode()).fetchone()
        assert row is not None
        run(db, sql, table, {"id": row[0], "queued_at": row[1]})


def vacuum_after(db: psycopg.Connection, churn: str, table: str) -> float:
    """Return how long autovacuum would work after the newest rows changed: on the table, or on the newest partition."""
    run(db, churn, table)
    return timed(lambda: run(db, "VACUUM {table}", PLAIN if table == PLAIN else f"parted_{MONTHS}"))


def sizes(db: psycopg.Connection) -> str:
    """Say how much the tables hold on disk after a month went."""
    plain, parted = (
        db.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname ~ %s AND relkind = 'r'", [pattern]
        ).fetchall()[0][0]
        for pattern in ("^plain$", r"^parted_\d+$")
    )
    return f"on disk after a month went: plain 1, partitions {parted / plain:.2f}"


def run(db: psycopg.Connection, sql: str, table: str, values: dict[str, object] | dict[str, int] | None = None) -> None:
    """Execute `sql` on `table` and fetch what it gives."""
    # Without values psycopg leaves braces and percent signs alone.
    cursor = db.execute((sql.format(table=table) if "{" in sql else sql).encode(), values)
    if cursor.description:
        cursor.fetchall()


def in_turns(name: str, act: Callable[[str, int], None], times: int = 300) -> Line:
    """Return the median times of `act` on both tables, which take turns: what else the machine does hits both alike."""
    spent: dict[str, list[float]] = {PLAIN: [], PARTED: []}
    for number in range(-5, times):  # the first few warm the caches
        for table, seconds in spent.items():
            took = timed(partial(act, table, abs(number)))
            if number >= 0:
                seconds.append(took)
    return Line(name, statistics.median(spent[PLAIN]), statistics.median(spent[PARTED]))


def timed(act: Callable[[], None]) -> float:
    """Return how many seconds `act` took."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
