"""What a draft consists of besides its sources: assets, stored once by content, and partials."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from pdfservice.lib import storage
from pdfservice.lib.errors import Fault, ServiceError, not_found
from templates_app.authoring.drafts import draft_lock, draft_touch
from templates_app.authoring.records import record_version
from templates_app.models import AssetType, TemplateAsset, TemplatePartial, TemplateVersion
from templates_app.renderer.contracts import RenderError
from templates_app.renderer.frames import FrameInvalid
from templates_app.renderer.sandbox import Task
from templates_app.renderer.wire import clean_text
from templates_app.renderer_pools import authoring_pool
from templates_app.stored_objects import object_put

MAX_ASSET_BYTES = 10 << 20
_MAX_ASSETS = 200
_CONTENT_TYPES = {
    AssetType.FONT: {"font/ttf", "font/otf", "font/woff", "font/woff2"},
    AssetType.IMAGE: {"image/png", "image/jpeg", "image/webp", "image/svg+xml"},
    AssetType.LOGO: {"image/png", "image/jpeg", "image/webp", "image/svg+xml"},
}


def asset_add(*, version: TemplateVersion, name: str, asset_type: AssetType, data: bytes, actor: str) -> TemplateAsset:
    """Add a file to a draft after a confined process has looked at it; what it is, its bytes say.

    A file of that name is replaced. Raises ServiceError: 409 for a version that is no draft, 422 for a file that is not
    what its type says, or that is broken, too large or not harmless.
    """
    with transaction.atomic():
        draft_lock(version)
    content_type = asset_content_type(data, asset_type=asset_type, tenant=str(version.template.team_id))
    sha256 = hashlib.sha256(data).hexdigest()
    kept = object_put(storage.asset_key(version.template.team.slug, sha256), data, content_type=content_type)
    with transaction.atomic():
        draft_lock(version)
        TemplateAsset.objects.filter(version=version, name=name).delete()
        if TemplateAsset.objects.filter(version=version).count() >= _MAX_ASSETS:
            raise _refused(f"A version has up to {_MAX_ASSETS} assets.")
        asset = TemplateAsset.objects.create(
            version=version,
            asset_type=asset_type,
            name=name,
            sha256=sha256,
            storage_key=kept.key,
            content_type=content_type,
            size_bytes=kept.size_bytes,
        )
        draft_touch(version, actor=actor)
        record_version(version, "asset.added", actor=actor, asset=name, sha256=sha256)
    return asset


def asset_content_type(data: bytes, *, asset_type: AssetType, tenant: str) -> str:
    """Return what `data` is, as a confined process saw it; raise ServiceError (422) for what is not to be used."""
    if len(data) > MAX_ASSET_BYTES:
        raise ServiceError(413, "too_large", f"An asset has up to {MAX_ASSET_BYTES >> 20} MiB.")
    try:
        seen = authoring_pool.perform(Task("inspect_asset", {}, [data], _read_facts), tenant=tenant)
    except RenderError as error:
        raise _refused("The file could not be examined: it takes too much time or memory.") from error
    if "refused" in seen:
        raise _refused(seen["refused"])
    if seen["content_type"] not in _CONTENT_TYPES[asset_type]:
        raise _refused(f"The file is {seen['content_type']}, which is no {asset_type.value}.")
    return seen["content_type"]


def asset_remove(*, version: TemplateVersion, name: str, actor: str) -> None:
    """Take a file out of a draft; raise ServiceError (404, 409)."""
    with transaction.atomic():
        draft_lock(version)
        if not TemplateAsset.objects.filter(version=version, name=name).delete()[0]:
            raise not_found("asset")
        draft_touch(version, actor=actor)
        record_version(version, "asset.removed", actor=actor, asset=name)


def partial_set(*, version: TemplateVersion, name: str, source: str, actor: str) -> TemplatePartial:
    """Give a draft a partial, in place of one of that name; raise ServiceError (409)."""
    try:
        with transaction.atomic():
            draft_lock(version)
            partial, _ = TemplatePartial.objects.update_or_create(
                version=version, name=name, defaults={"source": source}
            )
            draft_touch(version, actor=actor)
            record_version(version, "partial.set", actor=actor, partial=name)
    except IntegrityError as error:
        raise ServiceError(409, "conflict", "The partial is being changed by somebody else.") from error
    return partial


def partial_remove(*, version: TemplateVersion, name: str, actor: str) -> None:
    """Take a partial out of a draft; raise ServiceError (404, 409)."""
    with transaction.atomic():
        draft_lock(version)
        if not TemplatePartial.objects.filter(version=version, name=name).delete()[0]:
            raise not_found("partial")
        draft_touch(version, actor=actor)
        record_version(version, "partial.removed", actor=actor, partial=name)


def _refused(message: str) -> ServiceError:
    return ServiceError(422, "asset_refused", message, [Fault("/file", message)])


def _read_facts(result: dict[str, Any], blobs: Sequence[bytes]) -> dict[str, str]:
    match result:
        case {"refused": str(reason)}:
            return {"refused": clean_text(reason, 300)}
        case {"content_type": str(content_type)}:
            return {"content_type": clean_text(content_type, 40)}
    raise FrameInvalid("facts about an asset expected")
