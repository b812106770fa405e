"""The bytes of versions in file storage: assets and long sources, once for each content of a team, swept when unnamed.

A key is made of the content, so anybody may come to need one at the very moment when it is swept. Hence two steps with
an hour between them. An object that no row names is *marked*; whoever stores the same content from then on takes
another key. After the hour everybody who looked before the mark was there has written their row or given up: what has
no row then can get none any more, and its bytes go. The mark stays for another day, so that a sweeper which slept
through all of that deletes nothing that was stored meanwhile.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import chain, islice

from django.db.models.functions import Now
from django.utils import timezone

from pdfservice.lib import storage
from templates_app.models import StorageOrphan, TemplateAsset, TemplateVersion, WatermarkImage

logger = logging.getLogger(__name__)

# Longer than anybody takes from storing bytes to writing the row that names them.
GRACE = timedelta(hours=1)
_MARK_KEPT = timedelta(days=1)
_PREFIXES = ("assets/", "sources/")
# What we stored, a directory's unfinished files included; whatever else lies there is somebody's own.
_OURS = re.compile(r"(assets|sources)/[\w-]+/\.?[0-9a-f]{64}(-[0-9a-f]{8})?(\.[0-9a-f]{12})?\Z")
_LOOKED_UP_AT_ONCE = 500


def object_put(key: str, data: bytes, *, content_type: str) -> storage.StoredObject:
    """Store bytes that a row is about to name, at `key` or, while that is being swept, beside it; not in a transaction.

    The row must be written within the hour. Raises StorageUnavailable.
    """
    if StorageOrphan.objects.filter(key=key).exists():
        key = f"{key}-{secrets.token_hex(4)}"
    return storage.put(key, data, content_type=content_type)


def objects_mark() -> int:
    """Mark the objects of templates that no row names and that are older than an hour; return how many are new."""
    old = timezone.now() - GRACE
    found = chain.from_iterable(map(storage.objects_under, _PREFIXES))
    keys = (item.key for item in found if item.changed_at < old and _OURS.match(item.key))
    marked = 0
    for some in _chunks(keys, _LOOKED_UP_AT_ONCE):
        known = _named(some) | set(StorageOrphan.objects.filter(key__in=some).values_list("key", flat=True))
        orphans = [StorageOrphan(key=key) for key in some if key not in known]
        # Another maintainer may mark them too.
        StorageOrphan.objects.bulk_create(orphans, ignore_conflicts=True)
        marked += len(orphans)
    return marked


def objects_sweep(*, limit: int = 500) -> int:
    """Delete the objects that were marked an hour ago and that no row names still; return how many are gone."""
    StorageOrphan.objects.filter(deleted_at__lt=Now() - _MARK_KEPT).delete()
    due = StorageOrphan.objects.filter(deleted_at=None, marked_at__lt=Now() - GRACE).order_by("marked_at")
    keys = list(due.values_list("key", flat=True)[:limit])
    named = _named(keys)
    StorageOrphan.objects.filter(key__in=named, deleted_at=None).delete()
    gone = 0
    for key in keys:
        if key in named:
            continue
        try:
            storage.delete(key)
        except storage.StorageUnavailable as error:
            logger.warning("Bytes that no version names could not be deleted, the next sweep tries again: %s", error)
            break
        gone += StorageOrphan.objects.filter(key=key, deleted_at=None).update(deleted_at=Now())
    return gone


def _named(keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that a row names."""
    versions = TemplateVersion.objects
    return {
        *TemplateAsset.objects.filter(storage_key__in=keys).values_list("storage_key", flat=True),
        *WatermarkImage.objects.filter(storage_key__in=keys).values_list("storage_key", flat=True),
        *versions.filter(html_source_key__in=keys).values_list("html_source_key", flat=True),
        *versions.filter(css_source_key__in=keys).values_list("css_source_key", flat=True),
    }


def _chunks(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(keys)
    while some := list(islice(rest, size)):
        yield some
