"""Files from reservation to deletion: no crash and no storage error loses track of bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from downloads_app.models import FileState, StoredFile
from downloads_app.services import file_confirm, file_discard, file_reserve, files_expire, files_sweep
from pdfservice.lib import storage
from tests.conftest import Member
from tests.downloads.conftest import PDF, expire, store

HOUR = timedelta(hours=1)


def _is_there(file: StoredFile) -> bool:
    try:
        return bool(storage.read(file.key))
    except storage.ObjectMissing:
        return False


def _state(file: StoredFile) -> tuple[str, bool]:
    file.refresh_from_db()
    return file.state, file.bytes_deleted_at is not None


def _age(file: StoredFile, by: timedelta) -> None:
    StoredFile.objects.filter(pk=file.pk).update(created_at=timezone.now() - by)


def test_a_reserved_file_is_pending_and_cannot_be_read(alice: Member) -> None:
    file = file_reserve(team=alice.team, key="k", filename="a.pdf")
    assert file.state == FileState.PENDING
    assert not StoredFile.objects.readable().exists()


def test_confirming_makes_it_live_with_its_hash_and_size(alice: Member) -> None:
    until = timezone.now() + HOUR
    file = store(alice.team, expires_at=until)
    assert (file.state, file.size_bytes, file.expires_at) == (FileState.LIVE, len(PDF), until)
    assert len(file.sha256) == 64


def test_confirming_twice_is_refused_and_changes_nothing(file: StoredFile) -> None:
    other = storage.StoredObject(file.key, "0" * 64, 1)
    assert not file_confirm(file_id=file.pk, stored=other, expires_at=None)
    file.refresh_from_db()
    assert file.size_bytes == len(PDF)


def test_bytes_stored_elsewhere_confirm_nothing(alice: Member) -> None:
    file = file_reserve(team=alice.team, key="here", filename="a.pdf")
    assert not file_confirm(file_id=file.pk, stored=storage.StoredObject("there", "0" * 64, 1), expires_at=None)


def test_a_swept_file_cannot_be_confirmed(alice: Member) -> None:
    file = file_reserve(team=alice.team, key="k", filename="a.pdf")
    _age(file, 2 * HOUR)
    files_sweep(pending_older_than=HOUR)
    stored = storage.put(file.key, PDF, content_type="application/pdf")
    assert not file_confirm(file_id=file.pk, stored=stored, expires_at=None)
    file_discard(file_id=file.pk)  # what its writer does then
    assert not _is_there(file)


def test_discarding_deletes_row_and_bytes(file: StoredFile) -> None:
    file_discard(file_id=file.pk)
    assert _state(file) == (FileState.DELETED, True)
    assert not _is_there(file)


def test_discarding_while_the_storage_is_away_leaves_it_to_the_sweep(
    file: StoredFile, monkeypatch: pytest.MonkeyPatch, break_storage: Callable[[str], None]
) -> None:
    break_storage("delete")
    file_discard(file_id=file.pk)
    assert _state(file) == (FileState.DELETED, False)
    monkeypatch.undo()
    assert _is_there(file)
    assert files_sweep(pending_older_than=HOUR) == 1
    assert _state(file) == (FileState.DELETED, True)
    assert not _is_there(file)


def test_a_crash_before_the_bytes_are_deleted_is_found_by_the_sweep(
    file: StoredFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(key: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "delete", crash)
    with pytest.raises(KeyboardInterrupt):
        file_discard(file_id=file.pk)
    monkeypatch.undo()
    assert files_sweep(pending_older_than=HOUR) == 1
    assert not _is_there(file)


@pytest.mark.django_db(transaction=True)
def test_discarding_inside_a_transaction_is_refused(file: StoredFile) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        file_discard(file_id=file.pk)
    assert _is_there(file)


def test_only_files_whose_time_is_over_expire(alice: Member) -> None:
    over, later, never = (store(alice.team, expires_at=at) for at in (timezone.now(), timezone.now() + HOUR, None))
    expire(over)
    assert files_expire() == 1
    assert (_is_there(over), _is_there(later), _is_there(never)) == (False, True, True)
    assert _state(over) == (FileState.DELETED, True)
    assert files_expire() == 0


def test_no_more_than_the_limit_expire_at_once(alice: Member) -> None:
    for _ in range(3):
        expire(store(alice.team))
    assert [files_expire(limit=2), files_expire(limit=2)] == [2, 1]


def test_only_reservations_past_their_time_are_swept(alice: Member) -> None:
    old, fresh = (file_reserve(team=alice.team, key=key, filename="a.pdf") for key in ("old", "fresh"))
    storage.put("old", PDF, content_type="application/pdf")
    _age(old, 2 * HOUR)
    assert files_sweep(pending_older_than=HOUR) == 1
    assert _state(old) == (FileState.DELETED, True)
    assert _state(fresh) == (FileState.PENDING, False)
    assert not _is_there(old)


def test_an_object_that_always_refuses_does_not_hold_up_the_others(
    alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = store(alice.team), store(alice.team)
    delete = storage.delete

    def refuse_one(key: str) -> None:
        if key == stuck.key:
            raise storage.StorageUnavailable("locked")
        delete(key)

    monkeypatch.setattr(storage, "delete", refuse_one)
    for file in (stuck, other):
        expire(file)
    StoredFile.objects.update(state=FileState.DELETED, delete_tried_at=timezone.now() - HOUR)
    StoredFile.objects.filter(pk=stuck.pk).update(delete_tried_at=timezone.now() - 2 * HOUR)
    assert [files_sweep(pending_older_than=HOUR, limit=1) for _ in range(2)] == [0, 1]
    assert _state(stuck) == (FileState.DELETED, False)


def test_a_storage_that_is_away_is_asked_three_times_a_pass(alice: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def away(key: str) -> None:
        asked.append(key)
        raise storage.StorageUnavailable("away")

    for _ in range(5):
        expire(store(alice.team))
    monkeypatch.setattr(storage, "delete", away)
    assert files_expire() == 5
    assert len(asked) == 3


def test_the_database_refuses_to_forget_bytes_of_a_live_file(file: StoredFile) -> None:
    with pytest.raises(IntegrityError, match="file_only_deleted_loses_bytes"), transaction.atomic():
        StoredFile.objects.filter(pk=file.pk).update(bytes_deleted_at=timezone.now())
