"""Which pages a watermark is for."""

from __future__ import annotations

import pytest

from templates_app.page_ranges import page_ranges


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("", ()),
        ("  ", ()),
        ("1", ((1, 1),)),
        ("2-", ((2, None),)),
        (" 1 - 3 , 7 ", ((1, 3), (7, 7))),
        ("1,3-5,9-", ((1, 1), (3, 5), (9, None))),
    ],
)
def test_ranges_are_read(text: str, ranges: object) -> None:
    assert page_ranges(text) == ranges


UNFIT = ["0", "-3", "3-1", "a", "1,,2", "1;2", "1-2-3", "1.5", "٣", "1" * 9, ",".join("1" * 21)]


@pytest.mark.parametrize("text", UNFIT)
def test_what_names_no_pages_is_refused(text: str) -> None:
    assert page_ranges(text) is None
