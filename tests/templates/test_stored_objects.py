"""What no version names any more leaves file storage, and nothing else does."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import CharField
from django.utils import timezone

from jobs_app import chores
from pdfservice.lib import storage
from templates_app import stored_objects
from templates_app.models import StorageOrphan, TemplateAsset, TemplateVersion
from tests.templates.conftest import Author

pytestmark = pytest.mark.django_db
LONG = "<p>{}</p>" + "<!-- long -->" * 6_000
DOT = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle r="4"/></svg>'
HOUR = timedelta(hours=1, seconds=1)


def age() -> None:
    """Let everything in storage, and every mark, be an hour older."""
    then = timezone.now() - HOUR
    for path in Path(default_storage.path("")).rglob("*"):
        os.utime(path, (then.timestamp(), then.timestamp()))
    for orphan in StorageOrphan.objects.all():
        changes = {"marked_at": orphan.marked_at - HOUR}
        if orphan.deleted_at:
            changes["deleted_at"] = orphan.deleted_at - HOUR
        StorageOrphan.objects.filter(pk=orphan.pk).update(**changes)


def swept() -> tuple[int, int]:
    """Sweep after an hour; return how many objects were marked, and how many deleted."""
    age()
    return stored_objects.objects_mark(), stored_objects.objects_sweep()


def lying() -> set[str]:
    """Return the keys of all that lies in storage for templates."""
    return {item.key for prefix in ("assets/", "sources/") for item in storage.objects_under(prefix)}


def upload(author: Author, version: int, name: str = "dot.svg", data: bytes = DOT) -> str:
    """Add an asset and return its key."""
    body = {"file": SimpleUploadedFile(name, data), "name": name, "type": "image"}
    response = author.member.api.post(f"{author.url}/versions/{version}/assets", body, format="multipart")
    assert response.status_code == 201, response.content
    return TemplateAsset.objects.get(version__version=version, name=name).storage_key


def source_key(version: int) -> str:
    """Return where a version's source lies."""
    return TemplateVersion.objects.get(version=version).html_source_key


def test_a_removed_asset_and_a_replaced_source_are_gone_after_two_hours(author: Author) -> None:
    version = author.draft(html_source=LONG.format(1), css_source="/* */" * 20_000)
    old_source, old_asset = source_key(version), upload(author, version)
    upload(author, version, "kept.svg", DOT + b"\n")
    author.patch(version, html_source=LONG.format(2))
    author.member.api.delete(f"{author.url}/versions/{version}/assets/dot.svg")
    before = lying()
    assert swept() == (2, 0)
    assert lying() == before
    assert swept() == (0, 2)
    assert lying() == before - {old_source, old_asset}
    assert author.post(f"/versions/{version}/preview", {}).status_code == 200
    assert swept() == (0, 0)


def test_what_was_stored_within_the_hour_is_left_alone(author: Author) -> None:
    author.draft(html_source=LONG.format(1))
    author.patch(1, html_source="short")
    assert (stored_objects.objects_mark(), StorageOrphan.objects.count()) == (0, 0)


def test_what_one_of_several_drafts_names_stays(author: Author) -> None:
    author.draft(html_source=LONG.format(1))
    key, asset = source_key(1), upload(author, 1)
    author.draft(copy_of=1, html_source=LONG.format(1))
    author.member.api.delete(f"{author.url}/versions/1")
    assert swept() == (0, 0)
    assert {key, asset} == lying()


def test_a_row_that_is_written_after_the_mark_keeps_the_bytes(author: Author) -> None:
    version = author.draft()
    key, digest = stored_by_a_slow_author(author)
    assert swept() == (1, 0)
    TemplateAsset.objects.create(
        version=TemplateVersion.objects.get(version=version),
        asset_type="image",
        name="late.svg",
        sha256=digest,
        storage_key=key,
        content_type="image/svg+xml",
        size_bytes=len(DOT),
    )
    assert swept() == (0, 0)
    assert storage.read(key) == DOT
    assert not StorageOrphan.objects.exists()


def stored_by_a_slow_author(author: Author) -> tuple[str, str]:
    """Store an asset's bytes as somebody does who has not written the row yet."""
    digest = hashlib.sha256(DOT).hexdigest()
    key = storage.asset_key(author.member.team.slug, digest)
    return stored_objects.object_put(key, DOT, content_type="image/svg+xml").key, digest


@pytest.mark.parametrize("is_deleted", [False, True])
def test_content_that_comes_back_while_it_is_swept_gets_a_key_of_its_own(author: Author, is_deleted: bool) -> None:
    version = author.draft(html_source=f'<img src="asset:dot.svg">{is_deleted}', sample_payload={})
    first, _ = stored_by_a_slow_author(author)
    swept()
    if is_deleted:
        swept()
    second = upload(author, version)
    assert second.startswith(f"{first}-")
    swept()
    swept()
    assert lying() == {second}
    assert author.publish(version).status_code == 200
    assert author.post(f"/versions/{version}/preview", {}).status_code == 200


def test_a_mark_is_forgotten_a_day_after_the_bytes_went(author: Author) -> None:
    key, _ = stored_by_a_slow_author(author)
    swept()
    swept()
    assert StorageOrphan.objects.count() == 1
    StorageOrphan.objects.update(deleted_at=timezone.now() - timedelta(days=1, seconds=1))
    stored_objects.objects_sweep()
    assert not StorageOrphan.objects.exists()
    assert stored_by_a_slow_author(author)[0] == key


def test_what_the_storage_refuses_to_delete_is_tried_again(author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_by_a_slow_author(author)
    swept()
    folder = Path(default_storage.path(next(iter(lying())))).parent
    folder.chmod(0o500)
    with monkeypatch.context() as patch:
        if os.geteuid() == 0:  # whom no mode stops
            patch.setattr(os, "remove", _refuse)
        assert swept() == (0, 0)
    folder.chmod(0o700)
    assert swept() == (0, 1)
    assert lying() == set()


def _refuse(path: str) -> None:
    raise PermissionError(path)


def test_what_is_not_ours_and_what_is_half_written_is_told_apart(author: Author) -> None:
    storage.put("assets/acme/README.txt", b"an operator's", content_type="text/plain")
    half = f"assets/acme/.{'a' * 64}.{'b' * 12}"
    storage.put(half, b"a writer that was killed", content_type="text/plain")
    assert [swept(), swept()] == [(1, 0), (0, 1)]
    assert lying() == {"assets/acme/README.txt"}


@pytest.mark.django_db(transaction=True)
def test_maintain_does_it(author: Author) -> None:
    stored_by_a_slow_author(author)
    age()
    assert chores.run_once()["template files marked"] == 1
    age()
    assert chores.run_once()["template files swept"] == 1


def test_every_column_that_names_a_stored_object_is_looked_at() -> None:
    columns = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("templates_app").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, CharField) and field.name.endswith("key")
    }
    looked_at = {
        "TemplateAsset.storage_key",
        "WatermarkImage.storage_key",
        "TemplateVersion.html_source_key",
        "TemplateVersion.css_source_key",
    }
    assert columns - {"StorageOrphan.key"} == looked_at
