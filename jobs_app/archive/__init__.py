"""Old jobs and old audit events leave the database for compressed files in storage, and can be read back from there."""

from jobs_app.archive.events import archive_events
from jobs_app.archive.files import sweep_abandoned
from jobs_app.archive.jobs import archive_jobs
from jobs_app.archive.reading import ArchiveDamaged, read_events, read_jobs

__all__ = ["ArchiveDamaged", "archive_events", "archive_jobs", "read_events", "read_jobs", "sweep_abandoned"]
