"""Files that a child has had are not sent again, and it never mistakes one for another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates_app.renderer import frames
from templates_app.renderer.contracts import Asset
from templates_app.renderer.resending import MOST_BYTES, Kept, Sent
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import ProbeSandbox, spec

# Objects of their own, two of each size, equal and not the same.
POOL = [bytes([size]) * size for size in (1, 9, 10, 40, 60, 99, 101) for _ in range(2)]
FRAMES = st.lists(st.lists(st.sampled_from(range(len(POOL))), max_size=6), max_size=12)


@given(FRAMES)
def test_both_sides_agree_whatever_is_sent(sequence: list[list[int]]) -> None:
    sent, kept = Sent(least_bytes=10, most_bytes=100), Kept()
    for chosen in sequence:
        blobs = [POOL[number] for number in chosen]
        notes, left = sent.pack(blobs)
        assert kept.unpack(notes, left) == blobs
        assert sum(map(len, kept._files.values())) <= 100
        assert len(kept._files) == len(sent._held)


def test_the_same_file_goes_once() -> None:
    sent, file = Sent(), bytes(MOST_BYTES // 2)
    assert sent.pack([b"source", file])[1] == [b"source", file]
    assert sent.pack([b"source", file, file])[1] == [b"source"]


def test_what_was_not_used_for_longest_makes_room() -> None:
    sent = Sent(least_bytes=2, most_bytes=4)
    first, second, third = b"aa", b"bb", b"cc"
    for file in (first, second, first, third):
        sent.pack([file])
    assert sent.pack([first])[1] == []
    assert sent.pack([second])[1] == [second]


def test_a_file_that_is_too_large_to_keep_goes_every_time() -> None:
    sent, file = Sent(), bytes(MOST_BYTES + 1)
    for _ in range(2):
        notes, left = sent.pack([file])
        assert (notes["keep"], left) == ([], [file])


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many bytes each frame had that this process sends from now on."""
    sizes: list[int] = []
    write = frames._write_all

    def note(fd: int, parts: list[bytes], deadline: float | None) -> None:
        sizes.append(sum(map(len, parts)))
        write(fd, parts, deadline)

    monkeypatch.setattr(frames, "_write_all", note)
    return sizes


def test_a_child_gets_the_files_of_a_template_once(own_probes: ProbeSandbox, written: list[int]) -> None:
    wish = replace(spec("echo"), assets=(Asset("large", "image/png", bytes(1 << 20)),))
    for _ in range(2):
        own_probes.render(wish, tenant="acme")
    own_probes.render(wish, tenant="umbrella")
    first, again, others = written
    assert first > 1 << 20 > 100_000 > again
    assert others > 1 << 20  # nobody else's child has it


def test_a_new_child_is_given_everything(own_probes: ProbeSandbox, written: list[int]) -> None:
    wish = replace(spec("echo"), assets=(Asset("large", "image/png", bytes(1 << 20)),))
    for _ in range(4):  # the child retires after three
        own_probes.render(wish, tenant="acme")
    assert [size > 1 << 20 for size in written] == [True, False, False, True]


def test_a_changed_picture_of_the_same_name_is_printed(sandbox: Sandbox) -> None:
    documents = []
    for colour in ("red", "red", "blue"):
        drawn = f'<rect fill="{colour}" width="9" height="9"/>{" " * 20_000}'
        picture = f'<svg xmlns="http://www.w3.org/2000/svg">{drawn}</svg>'.encode()
        wish = spec('<img src="asset:picture">', assets=(Asset("picture", "image/svg+xml", picture),))
        documents.append(sandbox.render(wish, tenant="acme").pdf)
    assert documents[0] == documents[1] != documents[2]
