"""`Idempotency-Key`: a caller's own guard against sending the same request twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models.functions import Now

from jobs_app.dedup import canonical, shares_with
from jobs_app.models import Batch, IdempotencyRecord, Job
from pdfservice.lib.errors import ServiceError, malformed
from pdfservice.lib.sealed import keyed_hashes
from pdfservice.teams.callers import Caller
from pdfservice.teams.models import Team

LONGEST_KEY = 255
# A caller who repeats a request after longer than that means another one.
HONOURED_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Guard:
    """One request's idempotency key; without a key it knows nothing and remembers nothing.

    The first of `request_hashes` is remembered, each is recognised. They are keyed: a request may hold passwords.
    """

    team: Team
    key: str | None
    request_hashes: Sequence[str]

    def recall(self) -> Job | None:
        """Return the job that the key stands for; raise ServiceError (422) when it came with another request."""
        record = self._record("job__template_version__template", "job__output")
        return record.job if record else None

    def recall_batch(self) -> Batch | None:
        """Return the batch that the key stands for; raise ServiceError (422) when it came with another request."""
        record = self._record("batch")
        return record.batch if record else None

    def remember(self, made: Job | Batch) -> None:
        """Let the key stand for what was made; raises IntegrityError when somebody was first."""
        if self.key is not None:
            stands_for = {"job": made} if isinstance(made, Job) else {"batch": made}
            IdempotencyRecord.objects.create(
                team=self.team, key=self.key, request_hash=self.request_hashes[0], **stands_for
            )

    def _record(self, *related: str) -> IdempotencyRecord | None:
        if self.key is None:
            return None
        records = IdempotencyRecord.objects.filter(team=self.team, key=self.key).select_related(*related)
        record = records.first()
        if record is not None and record.request_hash not in self.request_hashes:
            message = "This Idempotency-Key came with another request before. Use a new key for a new request."
            raise ServiceError(422, "idempotency_key_reused", message)
        return record


def guard(*, caller: Caller, key: str | None, body: object) -> Guard:
    """Return the guard of a request with this body. Raises ServiceError (400) for a key that is none.

    Whoever may see only their own jobs cannot take over what another caller's request made.
    """
    if key is None:
        return Guard(caller.team, None, ())
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise malformed(f"Idempotency-Key must be 1 to {LONGEST_KEY} printable characters.")
    return Guard(caller.team, key, keyed_hashes(f"{shares_with(caller)}\0{canonical(body)}", purpose="requests"))


def forget_old(*, limit: int) -> int:
    """Forget keys that were honoured long enough, at most `limit` of them, and return how many that was."""
    old = IdempotencyRecord.objects.filter(created_at__lt=Now() - HONOURED_FOR).order_by("created_at")
    forgotten, _ = IdempotencyRecord.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()
    return forgotten
