from __future__ import annotations

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from pdfservice.lib.sealed import SealBroken, seal, unseal


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
