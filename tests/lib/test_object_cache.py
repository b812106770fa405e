"""Objects read lately."""

from __future__ import annotations

import pytest

from pdfservice.lib import storage
from pdfservice.lib.object_cache import ObjectCache


def put(*names: str) -> None:
    """Store each name as its own content."""
    for name in names:
        storage.put(name, name.encode() * 10, content_type="text/plain")


def test_what_was_read_is_not_read_again() -> None:
    put("a")
    cache = ObjectCache()
    assert cache.read("a") == b"a" * 10
    storage.delete("a")
    assert cache.read("a") == b"a" * 10
    cache.clear()
    with pytest.raises(storage.ObjectMissing):
        cache.read("a")


def test_what_was_read_too_long_ago_is_read_again() -> None:
    put("a")
    cache = ObjectCache(ttl_s=0)
    cache.read("a")
    storage.put("a", b"new", content_type="text/plain")
    assert cache.read("a") == b"new"


def test_the_longest_unused_goes_first_and_sizes_count() -> None:
    put("a", "b", "c")
    cache = ObjectCache(max_bytes=25)
    for name in ("a", "b", "a", "c"):
        cache.read(name)
    for name in ("a", "b", "c"):
        storage.delete(name)
    assert cache.read("a") == b"a" * 10
    assert cache.read("c") == b"c" * 10
    with pytest.raises(storage.ObjectMissing):
        cache.read("b")


def test_one_that_is_larger_than_all_room_is_read_and_not_kept() -> None:
    put("a")
    cache = ObjectCache(max_bytes=5)
    assert cache.read("a") == b"a" * 10
    storage.delete("a")
    with pytest.raises(storage.ObjectMissing):
        cache.read("a")
