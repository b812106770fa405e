"""The state machine of jobs, as simple as it can be said: what test_state_machine.py compares the database with."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs_app.models import Job
from jobs_app.states import Outcome, Status


@dataclass
class Expected:
    """What the model says of a job."""

    pk: int
    team: int
    cache_key: str
    priority: int
    turn: int
    most_attempts: int
    status: Status = Status.QUEUED
    attempts: int = 0
    claims: int = 0
    waits: bool = False
    is_cancel_requested: bool = False
    is_spooled: bool = False
    has_output: bool = False
    has_payload: bool = True
    outcomes: list[Outcome] = field(default_factory=list)
    events: list[str] = field(default_factory=lambda: ["job.queued"])

    @property
    def is_claimable(self) -> bool:
        """Whether a worker may take it now."""
        return self.status == Status.QUEUED and not self.waits

    @property
    def is_under_way(self) -> bool:
        """Whether it has not ended."""
        return self.status in {Status.QUEUED, Status.PROCESSING}

    def end_claim(self, status: Status, outcome: Outcome, event: str) -> None:
        """Leave the state `processing`."""
        self.status, self.is_spooled = status, False
        self.outcomes[-1] = outcome
        self.events.append(event)


@dataclass
class Model:
    """All jobs, by primary key."""

    jobs: dict[int, Expected] = field(default_factory=dict)

    def best(self) -> Expected | None:
        """Return the job that the next claim gets."""
        waiting = [each for each in self.jobs.values() if each.is_claimable]
        return min(waiting, key=lambda each: (each.priority, each.turn, each.pk), default=None)

    def holds(self, claim: Job) -> bool:
        """Say whether the job still belongs to this claim, as its worker remembers it."""
        expected = self.jobs[claim.pk]
        return expected.status == Status.PROCESSING and expected.claims == claim.claim_number

    def drops(self, claim: Job) -> bool:
        """End the job of a claim as cancelled if somebody asked for it; say whether that happened."""
        expected = self.jobs[claim.pk]
        if not (self.holds(claim) and expected.is_cancel_requested):
            return False
        expected.end_claim(Status.CANCELLED, Outcome.CANCELLED, "job.cancelled")
        return True

    def is_under_way(self, team: int, cache_key: str) -> bool:
        """Say whether equal work of the team is under way."""
        mine = [each for each in self.jobs.values() if (each.team, each.cache_key) == (team, cache_key)]
        return bool(cache_key) and any(each.is_under_way for each in mine)

    def next_turn(self, team: int, priority: int) -> int:
        """Return the number of the team's next job at this priority."""
        line = [each for each in self.jobs.values() if each.is_claimable and each.priority == priority]
        own = [each.turn + 1 for each in line if each.team == team]
        return max(min((each.turn for each in line), default=0), max(own, default=0))

    def turn_again(self, job: Expected) -> int:
        """Return the number of a job that comes back after a failure."""
        line = [each.turn + 1 for each in self.jobs.values() if each.is_claimable and each.priority == job.priority]
        return max(job.turn, min(line, default=0))
