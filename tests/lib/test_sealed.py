from __future__ import annotations

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from pdfservice.lib.sealed import SealBroken, is_sealed, keyed_hashes, seal, seal_bytes, unseal, unseal_bytes


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_was_sealed_comes_back(text: str) -> None:
    assert unseal(seal(text, purpose="a"), purpose="a") == text


def test_a_sealed_text_tells_nothing_and_is_never_the_same_twice() -> None:
    first, second = (seal("open sesame", purpose="a") for _ in range(2))
    assert first != second
    assert "sesame" not in first
    assert first.isascii()


def test_what_was_sealed_for_one_purpose_opens_for_no_other() -> None:
    with pytest.raises(SealBroken):
        unseal(seal("secret", purpose="webhook 1"), purpose="webhook 2")


@pytest.mark.parametrize("sealed", ["", "v1.", "v1.AAAA", "v2.AAAA", "v1.ä", "secret"])
def test_what_is_no_sealed_text_is_refused(sealed: str) -> None:
    with pytest.raises(SealBroken):
        unseal(sealed, purpose="a")


def test_a_changed_text_is_refused() -> None:
    sealed = seal("secret", purpose="a")
    place = len(sealed) // 2
    changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
    with pytest.raises(SealBroken):
        unseal(changed, purpose="a")


def test_a_key_that_was_changed_still_opens_as_a_fallback(settings: LazySettings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    sealed = seal("secret", purpose="a")
    settings.SECRET_KEY = "new"
    with pytest.raises(SealBroken):
        unseal(sealed, purpose="a")
    settings.SECRET_KEY_FALLBACKS = ["older", "old"]
    assert unseal(sealed, purpose="a") == "secret"


@given(data=st.binary(max_size=300))
def test_sealed_bytes_come_back_and_are_told_from_others(data: bytes) -> None:
    sealed = seal_bytes(data, purpose="a")
    assert is_sealed(sealed)
    assert not is_sealed(b"x" + sealed)
    assert unseal_bytes(sealed, purpose="a") == data


@pytest.mark.parametrize("change", [b"", b"plain", None])
def test_bytes_that_were_not_sealed_so_are_refused(change: bytes | None) -> None:
    sealed = seal_bytes(b"secret", purpose="b") if change is None else change
    with pytest.raises(SealBroken):
        unseal_bytes(sealed, purpose="a")


def test_keyed_hashes_hang_on_key_and_purpose(settings: LazySettings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    new, old = keyed_hashes("password", purpose="a")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    assert keyed_hashes("password", purpose="a") == [old]
    assert new != old
    assert keyed_hashes("password", purpose="b") != [old]
