"""`page_size`, `orientation` and `margins` of a request: what they may say, and what the renderer makes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from pdfservice.lib.serializers import StrictSerializer
from templates_app.renderer.contracts import PAGE_SIZES_MM, PageOptions

_MM = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72, "px": 25.4 / 96}
_LENGTH = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,4})?)(mm|cm|in|pt|px)", re.IGNORECASE)
_SMALLEST_PAGE_MM, _LARGEST_PAGE_MM, _LARGEST_MARGIN_MM = 10, 2000, 200
_SIDES = ("top", "right", "bottom", "left")


class LengthField(serializers.CharField):
    """A CSS length such as `20mm`, up to `largest_mm`."""

    def __init__(self, *, largest_mm: float, **options: Any) -> None:
        super().__init__(max_length=20, **options)
        self._largest_mm = largest_mm

    def to_internal_value(self, data: Any) -> str:
        """Return it in lower case; raise ValidationError."""
        text = super().to_internal_value(data).lower()
        size = length_mm(text)
        if size is None or size > self._largest_mm:
            raise serializers.ValidationError(
                f"A length is a number with mm, cm, in, pt or px, up to {self._largest_mm:g} mm: 20mm, 0.75in."
            )
        return text


class MarginsSerializer(StrictSerializer):
    """The margins of all pages; a side that is left out stays as the template has it."""

    top = LengthField(largest_mm=_LARGEST_MARGIN_MM, required=False)
    right = LengthField(largest_mm=_LARGEST_MARGIN_MM, required=False)
    bottom = LengthField(largest_mm=_LARGEST_MARGIN_MM, required=False)
    left = LengthField(largest_mm=_LARGEST_MARGIN_MM, required=False)


class PageOptionsSerializer(StrictSerializer):
    """What pages are like, in place of the template's `@page`."""

    page_size = serializers.CharField(
        max_length=40, required=False, help_text="A4, letter, … or a width and a height: 100mm 148mm."
    )
    orientation = serializers.ChoiceField(choices=["portrait", "landscape"], required=False)
    margins = MarginsSerializer(required=False)

    def validate_page_size(self, value: str) -> str:
        """Refuse what is neither a known name nor two lengths; names are told apart by letters alone."""
        if page_size_mm(value) is None:
            names = ", ".join(name.upper() if name[0] in "ab" else name for name in PAGE_SIZES_MM)
            raise serializers.ValidationError(
                f"A page size is one of {names}, or a width and a height of "
                f"{_SMALLEST_PAGE_MM} to {_LARGEST_PAGE_MM} mm: 100mm 148mm."
            )
        return value.lower()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse margins that leave nothing of the page that was asked for."""
        options = page_options(attrs)
        if options.size_mm is not None:
            width, height = options.size_mm
            if options.orientation:
                width, height = sorted((width, height), reverse=options.orientation == "landscape")
            margins = {side: length_mm(length) or 0 for side, length in options.margins}
            for one, other, room in (("left", "right", width), ("top", "bottom", height)):
                if margins.get(one, 0) + margins.get(other, 0) >= room:
                    problem = f"The margins {one} and {other} leave nothing of a page of {room:g} mm."
                    raise serializers.ValidationError({"margins": {one: [problem]}})
        return attrs


def page_options(options: Mapping[str, Any]) -> PageOptions:
    """Return what the validated `options` of a request say about pages."""
    name: str = options.get("page_size", "")
    margins: Mapping[str, str] = options.get("margins", {})
    return PageOptions(
        size_mm=page_size_mm(name),
        size_is_custom=name not in PAGE_SIZES_MM,
        orientation=options.get("orientation", ""),
        margins=tuple((side, margins[side]) for side in _SIDES if side in margins),
    )


def page_size_mm(text: str) -> tuple[float, float] | None:
    """Return width and height of a named size, or of two lengths; None for anything else."""
    if known := PAGE_SIZES_MM.get(text.lower()):
        return known
    match [length_mm(part) for part in text.lower().split()]:
        case [float(width), float(height)] if _is_a_page(width) and _is_a_page(height):
            return width, height
    return None


def length_mm(text: str) -> float | None:
    """Return a CSS length in millimetres; None for what is none."""
    match = _LENGTH.fullmatch(text)
    return float(match[1]) * _MM[match[2]] if match else None


def _is_a_page(length: float) -> bool:
    return _SMALLEST_PAGE_MM <= length <= _LARGEST_PAGE_MM
