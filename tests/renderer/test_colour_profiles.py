"""`@color-profile`: a profile that cannot be had is a named error, one that does not go with its rule a warning."""

from __future__ import annotations

import io

import pikepdf
import pytest

from templates_app.renderer.contracts import Asset, Engine, ErrorCode, RenderedDocument, RenderSpec
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.hostile.embedded import profile
from tests.renderer.support import failure, spec, text_of
from tests.renderer.test_watermark import pictures, reddish

SRGB = profile("made for a test")
# A CMYK profile by its header, which is all that a PDF says of it.
CMYK = SRGB[:16] + b"CMYK" + SRGB[20:]
RULE = "@color-profile {} {{ src: url({}); {} }} p {{ color: {}; font-size: 90pt }}"


def page(name: str, colour: str, *, data: bytes = SRGB, components: str = "", src: str = "asset:p.icc") -> RenderSpec:
    """Return a spec whose text has a colour of a profile."""
    css = RULE.format(name, src, f"components: {components}" if components else "", colour)
    return spec("<p>█end", css=css, assets=(Asset("p.icc", "application/vnd.iccprofile", data),))


def channels(document: RenderedDocument) -> list[int]:
    """Return how many channels each colour profile of a PDF has."""
    with pikepdf.open(io.BytesIO(document.pdf)) as pdf:
        streams = [item for item in pdf.objects if isinstance(item, pikepdf.Stream)]
        return [int(stream.N) for stream in streams if stream.read_bytes()[36:40] == b"acsp"]


@pytest.mark.parametrize("components", ["r, g, b", ""])
def test_a_profile_colours_with_or_without_names_of_its_components(sandbox: Sandbox, components: str) -> None:
    document = sandbox.render(page("--x", "color(--x 1 0 0)", components=components), tenant="acme")
    assert document.warnings == ()
    assert channels(document) == [3]
    assert reddish(pictures(document.pdf)[0]).getbbox() is not None


def test_a_cmyk_profile_is_taken_for_what_it_is(sandbox: Sandbox) -> None:
    document = sandbox.render(page("device-cmyk", "device-cmyk(0 1 1 0)", data=CMYK), tenant="acme")
    assert document.warnings == ()
    assert channels(document) == [4]


@pytest.mark.parametrize(
    ("name", "colour", "components"),
    [
        ("--x", "color(--x 1 0)", "a, b"),
        ("--x", "color(--x 1 0 0 0)", "a, b, c, d"),
        ("device-cmyk", "device-cmyk(0 1 1 0)", ""),
    ],
    ids=["too few", "too many", "not cmyk"],
)
def test_a_profile_that_does_not_go_with_its_rule_is_a_warning(
    sandbox: Sandbox, name: str, colour: str, components: str
) -> None:
    document = sandbox.render(page(name, colour, components=components), tenant="acme")
    assert "end" in text_of(document)
    assert f"The colour profile {name} is for 'RGB'" in document.warnings[0]
    assert channels(document) == []


@pytest.mark.parametrize("data", [b"", b"x" * 999, SRGB[:200]], ids=["empty", "no profile", "cut off"])
def test_a_broken_profile_is_a_warning(sandbox: Sandbox, data: bytes) -> None:
    document = sandbox.render(page("--x", "color(--x 1 0 0)", data=data, components="r, g, b"), tenant="acme")
    assert "end" in text_of(document)
    assert document.warnings[0].startswith("Invalid profile file for profile named '--x'")


@pytest.mark.parametrize("src", ["http://profiles.example/p.icc", "file:///etc/passwd", "asset:other.icc"])
def test_a_profile_that_cannot_be_had_is_an_error_that_names_it(sandbox: Sandbox, src: str) -> None:
    error = failure(sandbox, page("--x", "color(--x 1 0 0)", src=src, components="r, g, b"))
    assert (error.code, error.permanent) == (ErrorCode.ASSET_MISSING, True)
    assert f"{src}: " in error.message
    assert "ResourceRefused" not in error.message
    assert "Traceback" not in error.log


def test_the_other_engine_leaves_profiles_alone(sandbox: Sandbox) -> None:
    css = RULE.format("--x", "http://profiles.example/p.icc", "components: r, g, b", "color(--x 1 0 0)")
    document = sandbox.render(spec("<p>end", css=css, engine=Engine.PLUTOBOOK), tenant="acme")
    assert "end" in text_of(document)
