"""A worker as a pipeline: claim, produce, store, finish; one place turns whatever went wrong into a transition."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from jobs_app import delivery, queue, shutdown, spool, transitions
from jobs_app.backoff import retry_delay
from jobs_app.batches import settlement
from jobs_app.handlers import HANDLERS
from jobs_app.handlers.product import Product
from jobs_app.heartbeat import Heartbeat, Verdict
from jobs_app.models import Job
from jobs_app.outcomes import Failure, WorkRefused
from jobs_app.states import Status
from pdfservice.lib import storage
from pdfservice.lib.statements import find, run
from templates_app.renderer.contracts import RenderError, RendererUnavailable, RenderInterrupted

logger = logging.getLogger(__name__)

# A worker that answered a ticket goes on for so long while jobs are due: taking the next job costs it one query, a
# ticket costs three hops between processes. It ends at all so that a cluster can be stopped and watched.
TICKET_SECONDS = 20.0
# A job that waited for storage or database for so long becomes a dead letter: somebody should know.
GIVE_UP_AFTER = timedelta(hours=24)
_LONGEST_DELAY = timedelta(seconds=30)


def prepare() -> bool:
    """Start what jobs need, where it does not run yet; False when it does not start on this host."""
    try:
        for handler in HANDLERS.values():
            handler.prepare()
    except (RendererUnavailable, OSError) as error:
        logger.error("The renderer does not start, this worker takes no jobs: %s", error)
        return False
    return True


def work_off(*, worker: str) -> int:
    """Work on what is due, the best first, until nothing is or the ticket's time is over; return how many that was.

    A worker that can make nothing claims nothing: it would spend the attempts of one job after the other.
    """
    deadline = time.monotonic() + TICKET_SECONDS
    claimed = 0
    while not shutdown.is_requested() and time.monotonic() < deadline:
        if not prepare():
            return claimed
        job = transitions.claim(worker=worker)
        if job is None:
            return claimed
        claimed += 1
        if claimed == 1:
            _wake_a_colleague()
        perform(job)
        _settle_batches(job)
    _wake_a_colleague()
    return claimed


def _wake_a_colleague() -> None:
    """Ring if more is due and no ticket is out: tickets are few, and one may have been lost."""
    [more] = run(find(Job, {"status": Status.QUEUED, "run_at": None}))
    if more.count and queue.outstanding() == 0:
        queue.ring()


def _settle_batches(job: Job) -> None:
    """End the batches that waited for this job only; what goes wrong here `maintain` does again."""
    try:
        settlement.settle_after(job)
    except Exception:
        logger.exception("The batches of job %s could not be settled.", job)
        close_old_connections()


def perform(job: Job) -> None:
    """Carry a claimed job to the end of this attempt, whatever happens. Never raises for what a job does."""
    handler = HANDLERS[job.kind]
    heartbeat = Heartbeat(job, handler.interrupt, longest_seconds=handler.longest_seconds())
    try:
        with heartbeat.beating():
            product = _spooled(job) or handler.produce(job)
            heartbeat.rendered()
            if product is None:
                transitions.conclude(job)
            else:
                is_in_vain = lambda: shutdown.is_requested() or heartbeat.verdict is not None  # noqa: E731
                delivery.deliver(job, product, is_in_vain=is_in_vain)
    except RenderInterrupted:
        if heartbeat.verdict is Verdict.STOPPING:
            transitions.release(job)
        elif heartbeat.verdict is Verdict.CANCELLED:
            transitions.drop(job)
        else:
            logger.warning("Job %s was taken from this worker while it rendered.", job)
    except storage.StorageUnavailable as error:
        _postpone(job, Failure("storage_error", "The file storage did not answer.", permanent=False), error)
    except (OperationalError, InterfaceError) as error:
        close_old_connections()  # a broken one would stay, and the job with it until its lease runs out
        _postpone(job, Failure("database_error", "The database did not answer.", permanent=False), error)
    except Exception as error:
        close_old_connections()
        _give_up(job, classify(error))


def _spooled(job: Job) -> Product | None:
    """Return the document that an earlier claim made on this host, if it only has to be stored."""
    product = spool.find(job)
    if product is not None:
        transitions.mark_spooled(job)
    return product


def _give_up(job: Job, failure: Failure) -> None:
    max_attempts = min(job.max_attempts, failure.max_attempts or job.max_attempts)
    if failure.permanent or job.attempt_count >= max_attempts:
        transitions.fail(job, failure)
    else:
        transitions.retry(job, failure, delay=retry_delay(job.attempt_count))


def _postpone(job: Job, failure: Failure, error: Exception) -> None:
    """Let a job wait for the storage or the database, at no attempt: nothing is wrong with the job."""
    logger.error("Job %s waits: %s (%s)", job, failure.message, error)
    if timezone.now() - job.queued_at > GIVE_UP_AFTER:
        transitions.fail(job, failure)
    else:
        transitions.postpone(job, failure, delay=min(retry_delay(job.claim_number), _LONGEST_DELAY))


def classify(error: Exception) -> Failure:
    """Return what an exception means for the job: whether to try again, and what its owner is told."""
    match error:
        case RenderError():
            return Failure(
                code=error.code.value,
                message=error.message,
                permanent=error.permanent,
                detail=error.place,
                peak_memory_kb=error.peak_memory_kb or None,
                log=error.log,
                max_attempts=error.max_attempts,
            )
        case WorkRefused():
            return error.failure
        case RendererUnavailable():
            logger.error("The renderer does not start: %s", error)
            return Failure("render_crash", "The renderer did not start on this host.", permanent=False)
        case storage.ObjectMissing():
            logger.error("Storage lost an object that a job needs: %s", error)
            return Failure("storage_error", "The file storage has lost a file of this template.", permanent=False)
        case _:
            logger.exception("A job failed in a way that nobody foresaw.", exc_info=error)
            return Failure("render_crash", f"The service itself failed: {type(error).__name__}.", permanent=False)
