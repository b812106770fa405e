"""What keeps the service going by itself: rescue, retry, ring, expire, sweep. Any number of loops may run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from downloads_app import services as files
from jobs_app import fairness, queue, spool, transitions
from jobs_app.alerts import dead_letters, delivery
from jobs_app.batches import settlement
from jobs_app.heartbeat import UPLOAD_LIMIT_SECONDS
from jobs_app.metrics import fold
from jobs_app.models import Job

logger = logging.getLogger(__name__)

AT_ONCE = 500
# A ticket is taken within milliseconds by an idle worker; what waits longer without one has lost it.
_UNCLAIMED_AFTER = timedelta(seconds=2)


def rescue_lost() -> int:
    """Rescue the jobs whose lease ran out."""
    return sum(transitions.rescue(job, actor="maintain") for job in Job.objects.lease_lost()[:AT_ONCE])


def rescue_from(worker_prefix: str) -> int:
    """Rescue at once what workers held that are known to be dead; the lease would say so later."""
    held = Job.objects.held_by(worker_prefix)
    return sum(transitions.rescue(job, actor="supervisor", worker_is_dead=True) for job in held)


def ring_unclaimed() -> int:
    """Ring for jobs that wait although no ticket is out."""
    waiting = Job.objects.waiting_since(timezone.now() - _UNCLAIMED_AFTER)[:16].count()
    if not waiting or queue.outstanding() != 0:
        return 0
    queue.ring(waiting)
    return waiting


def expire_outputs() -> int:
    """End the jobs whose output's time is over, then delete what expired."""
    expired = sum(transitions.expire(job) for job in Job.objects.output_expired()[:AT_ONCE])
    files.files_expire(limit=AT_ONCE)
    return expired


def sweep_orphans() -> int:
    """Delete the bytes of outputs that no job finished."""
    abandoned = timedelta(seconds=settings.RENDER_TIMEOUT + UPLOAD_LIMIT_SECONDS + settings.LEASE_SECONDS)
    return files.files_sweep(pending_older_than=2 * abandoned, limit=AT_ONCE)


STEPS: dict[str, Callable[[], int]] = {
    "rescued": rescue_lost,
    "promoted": transitions.promote_due,
    "climbed": fairness.climb,
    "rung": ring_unclaimed,
    "expired": expire_outputs,
    "swept": sweep_orphans,
    "settled": settlement.settle_open,
    "sources discarded": settlement.discard_sources,
    "unspooled": spool.sweep,
    "folded": fold.fold,
    "alerted": dead_letters.raise_if_many,
    "told": delivery.start,
}


# What may as well be done some seconds later: a service that has nothing to do shall not be busy looking for it.
_UNHURRIED = frozenset({"climbed", "expired", "swept", "sources discarded", "unspooled", "alerted"})
_UNHURRIED_EVERY = 5


def run_once() -> dict[str, int]:
    """Do each step once and return what each did. A step that fails does not keep the others from running."""
    return run(STEPS)


def run_pass(number: int) -> dict[str, int]:
    """Do the steps of the loop's pass `number`: all in every fifth, else those that somebody waits for."""
    if number % _UNHURRIED_EVERY == 0:
        return run_once()
    return run({name: step for name, step in STEPS.items() if name not in _UNHURRIED})


def run(steps: Mapping[str, Callable[[], int]]) -> dict[str, int]:
    """Do each of `steps` once, as `run_once` does."""
    close_old_connections()
    done: dict[str, int] = {}
    for name, step in steps.items():
        try:
            done[name] = step()
        except (OperationalError, InterfaceError) as error:
            logger.error("Maintenance (%s): the database is away: %s", name, error)
            break
        except Exception:
            logger.exception("Maintenance step failed: %s", name)
    if any(done.values()):
        logger.info("Maintenance: %s", ", ".join(f"{name} {count}" for name, count in done.items() if count))
    return done
