"""`manage.py archive_read`"""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from jobs_app import archive
from pdfservice.lib.storage import StorageUnavailable


class Command(BaseCommand):
    """Print what left the database, as JSON Lines."""

    help = "Print archived jobs (or audit events) as JSON Lines, each once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--team", metavar="SLUG", help="only this team's")
        parser.add_argument("--job", metavar="UUID", type=_uuid, help="only this job")
        parser.add_argument(
            "--from", dest="start", metavar="TIME", type=_time, help="finished (happened) then or later"
        )
        parser.add_argument("--to", dest="end", metavar="TIME", type=_time, help="finished (happened) before that")
        parser.add_argument("--audit", action="store_true", help="audit events instead of jobs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, or say what is wrong."""
        narrowed: dict[str, Any] = {name: options[name] for name in ("team", "start", "end")}
        if narrowed["start"] and narrowed["end"] and narrowed["start"] >= narrowed["end"]:
            raise CommandError("--from must be before --to.")
        if options["audit"] and options["job"]:
            raise CommandError("--job reads jobs, which hold their events; leave out --audit.")
        if options["audit"]:
            rows = archive.read_events(**narrowed)
        else:
            rows = archive.read_jobs(job_id=options["job"], **narrowed)
        found = 0
        try:
            for row in rows:
                self.stdout.write(json.dumps(row))
                found += 1
                if options["job"]:
                    break
        except archive.ArchiveDamaged as error:
            raise CommandError(
                f"The archive is damaged: {error}. Narrow by --from and --to to read past it."
            ) from error
        except StorageUnavailable as error:
            raise CommandError(f"The file storage does not answer: {error}") from error
        if not found:
            raise CommandError("Nothing that fits is in the archive.")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no UUID.") from None


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date or time such as 2026-11-25 or 2026-11-25T12:00:00Z.") from None
    return moment if moment.tzinfo else timezone.make_aware(moment)
