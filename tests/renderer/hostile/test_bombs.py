"""Every bomb ends within its limits, as a named error or as a document, and the next document is made."""

from __future__ import annotations

import time

import pytest

from templates_app.renderer.contracts import Engine, RenderedDocument, RenderError, RenderSpec
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.hostile.bombs import BOMBS
from tests.renderer.support import spec, text_of

pytestmark = pytest.mark.slow
# `tight` gives a document 1.5 s and 192 MiB. What comes on top: a busy machine, the kill, the engine's own size.
LONGEST_SECONDS = 1.5 + 8.5
MOST_MEMORY_KB = (192 + 160) << 10


@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_its_own_document_at_most(tight: Sandbox, name: str, engine: Engine) -> None:
    bomb = BOMBS[name](engine)
    tight.render(spec("<p>warm", engine=engine), tenant="acme")
    begun = time.monotonic()
    outcome = rendered(tight, bomb)
    assert time.monotonic() - begun < LONGEST_SECONDS
    assert outcome.peak_memory_kb < MOST_MEMORY_KB
    assert isinstance(outcome, RenderedDocument) or outcome.message
    assert "alive" in text_of(tight.render(spec("<p>alive", engine=engine), tenant="acme"))


def rendered(sandbox: Sandbox, bomb: RenderSpec) -> RenderedDocument | RenderError:
    """Return the document or the error with its code; nothing else may come of a bomb."""
    try:
        return sandbox.render(bomb, tenant="acme")
    except RenderError as error:
        return error
