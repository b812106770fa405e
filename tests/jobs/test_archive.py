"""Old jobs and audit events leave the database for files, whole and once, and are read back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.utils import timezone

from downloads_app import services as files
from downloads_app.models import DownloadLink, StoredFile
from jobs_app import archive, chores, maintenance, transitions
from jobs_app.archive import files as archive_files
from jobs_app.models import ArchiveFile, FoldMark, IdempotencyRecord, Job, JobAttempt
from jobs_app.outcomes import Failure
from jobs_app.states import Status
from pdfservice.lib import storage
from pdfservice.teams.models import AuditEvent, Team
from tests.conftest import Member
from tests.jobs.conftest import Submit
from tests.jobs.test_transitions import result_for

pytestmark = pytest.mark.django_db(transaction=True)

QUOTES = Failure(
    "payload_error", "'Ada' is undefined", permanent=True, detail={"line": 3, "path": "/Ada"}, log="Ada Lovelace"
)
Old = Callable[..., Job]


def age(days: float = 31) -> None:
    """Let every job have ended so many days ago, and no archive file be of today."""
    Job.objects.exclude(finished_at=None).update(finished_at=timezone.now() - timedelta(days=days))
    ArchiveFile.objects.update(created_at=timezone.now() - timedelta(days=2))


@pytest.fixture
def failed(submit: Submit, claim: Callable[[], Job]) -> Old:
    """Return a function that makes a dead letter."""

    def _failed(**wishes: Any) -> Job:
        submit({"name": "Ada Lovelace"}, options={"filename": "Ada.pdf", "page_size": "A5"}, **wishes)
        job = claim()
        assert transitions.fail(job, QUOTES)
        return job

    return _failed


@pytest.fixture
def done(submit: Submit, claim: Callable[[], Job]) -> Old:
    """Return a function that makes a finished job."""

    def _done(**wishes: Any) -> Job:
        submit({"name": "Ada Lovelace"}, options={"filename": "Ada.pdf"}, **wishes)
        job = claim()
        assert transitions.complete(job, result_for(job))
        job.refresh_from_db()
        return job

    return _done


def expire() -> None:
    """Let the time of every output be over, and maintenance see it."""
    StoredFile.objects.update(expires_at=timezone.now())
    maintenance.run_once()


def test_an_old_job_is_read_back_with_its_attempts_and_events(failed: Old) -> None:
    job = failed()
    age()
    assert chores.run_once()["jobs archived"] == 1
    assert not Job.objects.exists()
    assert not JobAttempt.objects.exists()
    [row] = archive.read_jobs()
    assert (row["id"], row["team"], row["status"], row["template"]) == (
        str(job.external_id),
        "acme",
        "failed",
        "letter",
    )
    assert row["error"] == {"code": "payload_error", "line": 3}
    assert row["options"] == {"page_size": "A5"}
    assert [(attempt["outcome"], attempt["worker"]) for attempt in row["attempts"]] == [("failed", "here/1")]
    assert [event["action"] for event in row["events"]][:3] == ["job.queued", "job.processing", "job.failed"]
    told = AuditEvent.objects.get(action="jobs.archived")
    assert (told.team, told.data["rows"]) == (None, 1)


def test_an_archive_holds_no_payload_and_nothing_that_quotes_it(failed: Old, done: Old, alice: Member) -> None:
    failed()
    job = done()
    assert job.output
    files.link_create(file=job.output, caller=alice.caller)
    expire()
    age()
    archive.archive_jobs()
    data = gzip.decompress(storage.read(ArchiveFile.objects.get().key)).decode()
    assert len(data.splitlines()) == 2
    assert "Ada" not in data
    assert 'payload":' not in data


def test_an_expired_output_leaves_with_its_job_and_its_links(done: Old, alice: Member) -> None:
    job = done()
    assert job.output
    link, _ = files.link_create(file=job.output, caller=alice.caller, max_uses=3)
    expire()
    age()
    assert archive.archive_jobs() == 1
    assert not StoredFile.objects.exists()
    assert not DownloadLink.objects.exists()
    [row] = archive.read_jobs()
    assert row["output"]["sha256"] == job.output.sha256
    assert [(found["id"], found["max_uses"]) for found in row["output"]["links"]] == [(str(link.external_id), 3)]


def test_a_job_whose_output_lives_stays(done: Old) -> None:
    done(keeps_default=False, expires_in=None)
    age(days=4000)
    assert archive.archive_jobs() == 0
    assert Job.objects.count() == 1


def test_a_job_stays_until_the_bytes_of_its_output_are_gone(done: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    done()

    def refuse(key: str) -> None:
        raise storage.StorageUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete", refuse)
        expire()
    age()
    assert Job.objects.get().status == Status.EXPIRED
    assert archive.archive_jobs() == 0
    maintenance.run_once()
    assert archive.archive_jobs() == 1


def test_young_and_unfinished_jobs_stay(failed: Old, submit: Submit, settings: LazySettings) -> None:
    failed()
    submit()
    age(days=29.9)
    assert archive.archive_jobs() == 0
    settings.ARCHIVE_AFTER_DAYS = 29
    assert archive.archive_jobs() == 1
    assert Job.objects.get().status == Status.QUEUED


def test_a_job_that_a_row_of_another_table_points_at_stays(failed: Old, acme: Team) -> None:
    job = failed()
    record = IdempotencyRecord.objects.create(team=acme, key="k", request_hash="h", job=job)
    age()
    assert archive.archive_jobs() == 0
    record.delete()
    assert archive.archive_jobs() == 1


def test_few_jobs_wait_for_company_but_a_day_at_most(failed: Old) -> None:
    failed()
    age()
    assert archive.archive_jobs() == 1
    failed()
    Job.objects.update(finished_at=timezone.now() - timedelta(days=31))
    assert archive.archive_jobs() == 0
    age()
    assert archive.archive_jobs() == 1
    assert len(list(archive.read_jobs())) == 2


def test_many_jobs_make_a_file_at_once(failed: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_files, "ROWS_A_FILE", 2)
    for _ in range(5):
        failed()
    Job.objects.update(finished_at=timezone.now() - timedelta(days=40))
    assert archive.archive_jobs() == 4  # the fifth waits for company
    assert ArchiveFile.objects.count() == 2


def test_jobs_of_two_months_go_into_two_files(failed: Old) -> None:
    first, second = failed(), failed()
    Job.objects.filter(pk=first.pk).update(finished_at="2026-01-31T23:59:59Z")
    Job.objects.filter(pk=second.pk).update(finished_at="2026-02-01T00:00:00Z")
    archive.archive_jobs()
    ArchiveFile.objects.update(created_at=timezone.now() - timedelta(days=2))
    archive.archive_jobs()
    months = [key[:21] for key in ArchiveFile.objects.order_by("first_at").values_list("key", flat=True)]
    assert months == ["archive/jobs/2026/01/", "archive/jobs/2026/02/"]


# --- What may go wrong ------------------------------------------------------------------------------------------------
def test_nothing_is_deleted_unless_the_storage_took_the_file(failed: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise storage.StorageUnavailable("away")

    failed()
    age()
    with monkeypatch.context() as patch:
        patch.setattr(storage, "put", refuse)
        with pytest.raises(storage.StorageUnavailable):
            archive.archive_jobs()
    assert Job.objects.count() == 1
    assert archive.archive_jobs() == 0  # not at once again: a writer may be at it
    age()
    assert archive.archive_jobs() == 1
    assert len(list(archive.read_jobs())) == 1


def test_nothing_is_deleted_unless_the_storage_gives_back_what_it_took(
    failed: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed()
    age()
    monkeypatch.setattr(storage, "read", lambda key: b"something else")
    with pytest.raises(storage.StorageUnavailable, match="something else"):
        archive.archive_jobs()
    assert Job.objects.count() == 1


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", ["before it is stored", "before it is read back", "before the rows are deleted"])
def test_a_crash_at_any_moment_loses_and_doubles_nothing(
    failed: Old, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def die(*_: Any, **__: Any) -> Any:
        raise Killed

    job = failed()
    age()
    with monkeypatch.context() as patch:
        place: tuple[Any, str] = {
            "before it is stored": (storage, "put"),
            "before it is read back": (storage, "read"),
            "before the rows are deleted": (transitions, "depart"),
        }[moment]
        patch.setattr(*place, die)
        with pytest.raises(Killed):
            archive.archive_jobs()
    assert Job.objects.count() == 1
    assert list(archive.read_jobs()) == []  # the file, if there is one, is not confirmed
    age()
    assert archive.archive_jobs() == 1
    assert [row["id"] for row in archive.read_jobs()] == [str(job.external_id)]
    left = ArchiveFile.objects.get(confirmed_at=None)
    assert archive.sweep_abandoned() == 1
    with pytest.raises(storage.ObjectMissing):
        storage.read(left.key)
    assert [row["id"] for row in archive.read_jobs()] == [str(job.external_id)]


def test_a_job_that_is_sent_back_meanwhile_stays_and_the_file_goes(
    failed: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_back, other = failed(), failed()
    age()
    put = storage.put

    def put_slowly(key: str, data: bytes, *, content_type: str) -> storage.StoredObject:
        transitions.revive(sent_back, actor="test")
        return put(key, data, content_type=content_type)

    monkeypatch.setattr(storage, "put", put_slowly)
    assert archive.archive_jobs() == 1
    assert [row["id"] for row in archive.read_jobs()] == [str(other.external_id)]
    assert Job.objects.get().status == Status.QUEUED
    assert ArchiveFile.objects.count() == 1


def test_two_loops_at_the_same_jobs_archive_them_once(failed: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    job = failed()
    age()
    put, is_due = storage.put, archive_files.is_due

    def put_behind(key: str, data: bytes, *, content_type: str) -> storage.StoredObject:
        monkeypatch.setattr(storage, "put", put)
        monkeypatch.setattr(archive_files, "is_due", lambda *_: Job.objects.exists())
        assert archive.archive_jobs() == 1  # the other loop, which saw no writer
        monkeypatch.setattr(archive_files, "is_due", is_due)
        return put(key, data, content_type=content_type)

    monkeypatch.setattr(storage, "put", put_behind)
    assert archive.archive_jobs() == 0
    assert [row["id"] for row in archive.read_jobs()] == [str(job.external_id)]


def test_a_writer_that_took_too_long_deletes_nothing(failed: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    failed()
    age()
    put = storage.put

    def put_slowly(key: str, data: bytes, *, content_type: str) -> storage.StoredObject:
        stored = put(key, data, content_type=content_type)
        ArchiveFile.objects.update(created_at=timezone.now() - timedelta(hours=1))
        return stored

    monkeypatch.setattr(storage, "put", put_slowly)
    assert archive.archive_jobs() == 0
    assert Job.objects.count() == 1


def test_a_job_that_two_files_hold_is_read_once(failed: Old) -> None:
    failed()
    age()
    archive.archive_jobs()
    file = ArchiveFile.objects.get()
    ArchiveFile.objects.filter(pk=file.pk).update(key="archive/restored")
    storage.put("archive/restored", storage.read(file.key), content_type="application/gzip")
    file.pk = None
    file.save(force_insert=True)
    assert ArchiveFile.objects.count() == 2
    assert len(list(archive.read_jobs())) == 1


# --- Reading ----------------------------------------------------------------------------------------------------------
def read(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """Return what the command prints."""
    capsys.readouterr()
    call_command("archive_read", *arguments)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_command_prints_what_fits(failed: Old, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = failed(), failed()
    age()
    Job.objects.filter(pk=second.pk).update(finished_at=timezone.now() - timedelta(days=32))
    archive.archive_jobs()
    month_ago = (timezone.now() - timedelta(days=31.5)).isoformat()
    assert len(read(capsys)) == len(read(capsys, "--team", "acme")) == 2
    assert [row["id"] for row in read(capsys, "--job", str(first.external_id))] == [str(first.external_id)]
    assert [row["id"] for row in read(capsys, "--from", month_ago)] == [str(first.external_id)]
    assert [row["id"] for row in read(capsys, "--to", month_ago)] == [str(second.external_id)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--job", "seven"], "is no UUID"),
        (["--from", "yesterday"], "is no date or time"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], "must be before"),
        (["--audit", "--job", "2f1ab8c1-3d5e-4e0a-8f57-7a9f3c8b1c55"], "leave out --audit"),
        (["--team", "umbrella"], "Nothing that fits"),
    ],
)
def test_the_command_says_what_is_wrong(failed: Old, arguments: list[str], message: str) -> None:
    failed()
    age()
    archive.archive_jobs()
    with pytest.raises(CommandError, match=message):
        call_command("archive_read", *arguments)


def test_the_command_names_a_file_that_is_damaged_or_missing(failed: Old) -> None:
    failed()
    age()
    archive.archive_jobs()
    key = ArchiveFile.objects.get().key
    storage.put(key, gzip.compress(b"{}"), content_type="application/gzip")
    with pytest.raises(CommandError, match="SHA-256 differs"):
        call_command("archive_read")
    storage.delete(key)
    with pytest.raises(CommandError, match=f"{key} is not in storage"):
        call_command("archive_read")


def test_the_api_knows_an_archived_job_no_more(failed: Old, alice: Member) -> None:
    job = failed()
    age()
    archive.archive_jobs()
    for address in ("", "/file", "/events", "/attempts", "/links"):
        assert alice.api.get(f"/pdf/jobs/{job.external_id}{address}").status_code == 404


# --- Audit events -----------------------------------------------------------------------------------------------------
@pytest.fixture
def a_year_later(settings: LazySettings) -> None:
    """Let everything that happens be old, and counted: a trigger keeps a test from changing when it was."""
    settings.AUDIT_KEEP_DAYS = -1
    FoldMark.objects.create(log="audit", folded_to=10**9, next_to=10**9, seen_at=timezone.now())


def test_old_events_leave_for_a_file_without_addresses(
    done: Old, alice: Member, a_year_later: None, capsys: pytest.CaptureFixture[str]
) -> None:
    job = done()
    assert job.output
    _, token = files.link_create(file=job.output, caller=alice.caller)
    assert alice.browser.get(f"/d/{token}/file", headers={"user-agent": "Ada's browser"}).getvalue()
    before = AuditEvent.objects.count()
    assert archive.archive_events() == before
    assert [event.action for event in AuditEvent.objects.all()] == ["audit.archived"]
    rows = read(capsys, "--audit")
    assert len(rows) == before
    assert {"job.queued", "job.done", "link.created", "link.redeemed"} <= {row["action"] for row in rows}
    assert "127.0.0.1" not in str(rows)
    assert "Ada" not in str(rows)
    assert rows == read(capsys, "--audit", "--team", "acme")


def test_young_events_stay(done: Old) -> None:
    done()
    FoldMark.objects.create(log="audit", folded_to=10**9, next_to=10**9, seen_at=timezone.now())
    assert archive.archive_events() == 0


def test_events_that_are_not_counted_yet_stay(done: Old, a_year_later: None) -> None:
    done()
    FoldMark.objects.update(folded_to=AuditEvent.objects.order_by("id")[0].pk)
    assert archive.archive_events() == 1
