"""QR codes and barcodes as SVG: vectors, so they print sharply at any size."""

from __future__ import annotations

import io
import re
from html import escape
from typing import Any

import barcode as barcodes
import segno
from barcode.errors import BarcodeError

from templates_app.renderer.languages.helper_refusals import wrong_argument, wrong_value

_MAX_QR_CHARS = 3_000
_MAX_BARCODE_CHARS = 80
_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-z]{3,20}")
_KINDS = {"code128", "code39", "ean13", "ean8", "upca"}
# The quiet zone that scanners need, in modules.
_QUIET = 10
_BAR_HEIGHT = 60


def qr_code(text: str, size: str, error: Any, color: Any) -> str:
    """Return `text` as a QR code of `size` by `size`; `error` is how much may be damaged: l, m, q or h."""
    if str(error).lower() not in {"l", "m", "q", "h"}:
        raise wrong_argument("error is l, m, q or h")
    if not isinstance(color, str) or not _COLOR.fullmatch(color):
        raise wrong_argument("color is such as '#1a2b3c' or 'navy'")
    if not text or len(text) > _MAX_QR_CHARS:
        raise wrong_value(f"a QR code holds 1 to {_MAX_QR_CHARS} characters")
    try:
        code = segno.make_qr(text, error=str(error), boost_error=False)
    except (segno.DataOverflowError, ValueError, UnicodeError) as problem:
        raise wrong_value(f"this does not fit into a QR code: {problem}") from problem
    stream = io.BytesIO()
    code.save(stream, kind="svg", dark=color, xmldecl=False, svgns=True, nl=False, omitsize=True)
    drawing = stream.getvalue().decode()
    return drawing.replace("<svg ", f'<svg role="img" style="width:{size};height:{size}" ', 1)


def barcode(text: str, kind: Any, height: str, caption: bool) -> str:
    """Return `text` as a barcode; check digits are added where the code has one, and checked where it is given."""
    if kind not in _KINDS:
        raise wrong_argument(f"the kind is one of {', '.join(sorted(_KINDS))}")
    if not text or len(text) > _MAX_BARCODE_CHARS:
        raise wrong_value(f"a barcode holds 1 to {_MAX_BARCODE_CHARS} characters")
    options = {"add_checksum": False} if kind == "code39" else {}
    try:
        code = barcodes.get_barcode_class(kind)(text, **options)
        modules, label = code.build()[0], code.get_fullcode()
    except (BarcodeError, ValueError, KeyError, IndexError) as problem:
        raise wrong_value(f"{text[:40]!r} is no {kind}: {problem}") from problem
    given = re.sub(r"[\s-]", "", text)
    if kind not in {"code128", "code39"} and len(given) == len(label) and given != label:
        raise wrong_value(f"{text!r} has a wrong check digit; it should be {label[-1]}")
    return _drawing(modules, label if caption else "", height)


def _drawing(modules: str, label: str, height: str) -> str:
    # python-barcode marks guard bars with G: they are bars.
    runs = re.finditer("[1G]+", modules)
    bars = "".join(f"M{_QUIET + run.start()} 0h{len(run[0])}v{_BAR_HEIGHT}h-{len(run[0])}z" for run in runs)
    width = len(modules) + 2 * _QUIET
    total = _BAR_HEIGHT + (14 if label else 0)
    text = (
        f'<text x="{width / 2:g}" y="{_BAR_HEIGHT + 12}" font-size="11" font-family="monospace" '
        f'text-anchor="middle">{escape(label)}</text>'
        if label
        else ""
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {total}" '
        f'style="height:{height};max-width:100%"><path d="{bars}"/>{text}</svg>'
    )
