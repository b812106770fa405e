"""What is personal in a job, and what is left once it is erased."""

from __future__ import annotations

from typing import Any

from jobs_app.models import Job, JobAttempt

# Everything else in the options goes with the payload: passwords, titles and file names are the caller's own words.
KEPT_OPTIONS = frozenset({"page_size", "orientation", "margins", "watermark_config_id", "pdf_variant"})
_KEPT_PLACES = frozenset({"file", "line", "column"})  # a path leads into the payload and is made of its keys
ERASED_MESSAGE = "The details were erased with the payload."


def kept_options(job: Job) -> dict[str, Any]:
    """Return the options that tell nothing about anybody."""
    return {name: value for name, value in job.options.items() if name in KEPT_OPTIONS}


def kept_places(job: Job) -> dict[str, Any]:
    """Return where in the template an error was."""
    return {name: value for name, value in job.error_detail.items() if name in _KEPT_PLACES}


def erased_fields(job: Job) -> dict[str, Any]:
    """Return the columns of a job without its payload and without what may quote it."""
    return {
        "payload": None,
        "options": kept_options(job),
        # What a cancelled job says is our own sentence.
        "error_message": job.error_message if job.error_code in {"", "cancelled"} else ERASED_MESSAGE,
        "error_detail": kept_places(job),
        "warnings": [],
    }


def erase_attempts(job: Job) -> None:
    """Erase what a job's attempts may quote of its payload, in the caller's transaction."""
    JobAttempt.objects.filter(job=job).update(error_message="", log="")
