"""Watermarks: make, change, delete."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, TypedDict
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from pdfservice.lib import storage
from pdfservice.lib.errors import Fault, ServiceError, not_found
from pdfservice.teams import audit
from pdfservice.teams.models import Team
from templates_app.authoring.parts import asset_content_type
from templates_app.models import AssetType
from templates_app.stored_objects import object_put
from templates_app.watermark_models import WatermarkConfig, WatermarkImage, WatermarkType

_MAX_WATERMARKS = 500


class WatermarkFields(TypedDict, total=False):
    """What may be said of a watermark; what is left out stays as it is, or as it is by default."""

    name: str
    content: str
    opacity: float
    rotation_deg: float
    font_size: float | None
    width_percent: float | None
    color_hex: str
    repeat_tile: bool
    position: str
    pages: str


def watermark_get(*, team: Team, watermark_id: UUID | str) -> WatermarkConfig:
    """Return a watermark of the team; raise ServiceError (404)."""
    found = WatermarkConfig.objects.for_team(team).select_related("image").filter(external_id=watermark_id).first()
    if found is None:
        raise not_found("watermark")
    return found


def watermark_create(
    *, team: Team, kind: WatermarkType, fields: WatermarkFields, image: bytes | None = None, actor: str
) -> WatermarkConfig:
    """Make a watermark; `image` is what one of that type shows, looked at by a confined process.

    Raises ServiceError: 400 without text or image, 409 when the team has one of that name, 422 for an image that is
    none, is broken, too large or not harmless.
    """
    _refuse_unfit(kind, fields, image, is_new=True)
    kept = None if image is None else _image_store(team, image)
    try:
        with transaction.atomic():
            if WatermarkConfig.objects.for_team(team).count() >= _MAX_WATERMARKS:
                raise ServiceError(409, "too_many", f"A team has up to {_MAX_WATERMARKS} watermarks.")
            if kept is not None:
                kept.save()
            made = WatermarkConfig.objects.create(team=team, type=kind, image=kept, **fields)
            _record(made, "watermark.created", actor)
    except IntegrityError as error:
        raise _name_taken() from error
    return made


def watermark_update(
    *, watermark: WatermarkConfig, fields: WatermarkFields, image: bytes | None = None, actor: str
) -> WatermarkConfig:
    """Change a watermark for the jobs to come; raises as `watermark_create` does."""
    _refuse_unfit(WatermarkType(watermark.type), fields, image, is_new=False)
    kept = None if image is None else _image_store(watermark.team, image)
    try:
        with transaction.atomic():
            current = _lock(watermark)
            changes: dict[str, Any] = {**fields, "updated_at": now()}
            if kept is not None:
                kept.save()
                changes["image"] = kept
                _let_go(current)
            WatermarkConfig.objects.filter(pk=current.pk).update(**changes)
            _record(current, "watermark.changed", actor, fields=sorted([*fields, *["image"] * (kept is not None)]))
    except IntegrityError as error:
        raise _name_taken() from error
    return watermark_get(team=watermark.team, watermark_id=watermark.external_id)


def watermark_delete(*, watermark: WatermarkConfig, actor: str) -> None:
    """Delete a watermark; jobs that were accepted with it keep it. Raises ServiceError (404)."""
    with transaction.atomic():
        current = _lock(watermark)
        _record(current, "watermark.deleted", actor)
        _let_go(current)
        current.delete()


def images_forget() -> int:
    """Forget the images that no watermark has shown for longer than any job is kept, and return their number."""
    before = now() - timedelta(days=settings.ARCHIVE_AFTER_DAYS)
    forgotten, _ = WatermarkImage.objects.filter(released_at__lt=before, watermarks=None).delete()
    return forgotten


def _refuse_unfit(kind: WatermarkType, fields: WatermarkFields, image: bytes | None, *, is_new: bool) -> None:
    """Refuse what the type cannot have, and a new one without what it shows."""
    faults = []
    if kind == WatermarkType.TEXT:
        unfit = [name for name in ("width_percent",) if fields.get(name) is not None] + ["file"] * (image is not None)
        if is_new and not fields.get("content"):
            faults.append(Fault("/content", "A text watermark needs its text."))
    else:
        unfit = [name for name in ("content", "font_size") if fields.get(name)]
        if is_new and image is None:
            faults.append(Fault("/file", "An image watermark needs its image, in a form with a file."))
    faults += [Fault(f"/{name}", f"This is nothing for a watermark of type {kind.value}.") for name in unfit]
    if faults:
        plural = "s" * (len(faults) != 1)
        raise ServiceError(400, "invalid_request", f"The request has {len(faults)} fault{plural}; see errors.", faults)


def _image_store(team: Team, data: bytes) -> WatermarkImage:
    """Store an image that a confined process has looked at, and return its row, not yet inserted."""
    content_type = asset_content_type(data, asset_type=AssetType.IMAGE, tenant=str(team.pk))
    sha256 = hashlib.sha256(data).hexdigest()
    stored = object_put(storage.asset_key(team.slug, sha256), data, content_type=content_type)
    return WatermarkImage(
        team=team, sha256=sha256, storage_key=stored.key, content_type=content_type, size_bytes=stored.size_bytes
    )


def _lock(watermark: WatermarkConfig) -> WatermarkConfig:
    current = WatermarkConfig.objects.select_for_update().filter(pk=watermark.pk).first()
    if current is None:
        raise not_found("watermark")
    return current


def _let_go(watermark: WatermarkConfig) -> None:
    WatermarkImage.objects.filter(watermarks=watermark).update(released_at=now())


def _name_taken() -> ServiceError:
    message = "The team has a watermark of this name already."
    return ServiceError(409, "name_taken", message, [Fault("/name", message)])


def _record(watermark: WatermarkConfig, action: str, actor: str, **data: Any) -> None:
    audit.record(
        team_id=watermark.team_id,
        actor=actor,
        action=action,
        subject_type="watermark",
        subject_id=UUID(str(watermark.external_id)),
        data={"watermark": watermark.name, **data},
    )
