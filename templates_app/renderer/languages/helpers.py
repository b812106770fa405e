"""What every language can call by the same names: money, numbers, dates, plurals, codes, images and fonts.

All logic is here, once; a language only brings arguments in and results out. A result is text, to be escaped like any
other value, or an `Html` that we wrote ourselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from functools import lru_cache
from html import escape
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.numbers import UnknownCurrencyError, format_currency, format_decimal, get_currency_precision, list_currencies
from markupsafe import Markup

from templates_app.renderer.contracts import RenderSpec
from templates_app.renderer.languages import helper_codes, helper_dates
from templates_app.renderer.languages.helper_refusals import HelperRefusal, wrong_argument, wrong_value

__all__ = ["HELPER_NAMES", "Helper", "HelperRefusal", "Html", "helpers_of"]

HELPER_NAMES = ("money", "number", "date", "time", "pluralise", "qr_code", "barcode", "image", "font")

# Beyond this a number is a bomb of digits, no amount.
_MAX_DIGITS = 40
_MAX_DECIMALS = 20
_PLURALS = ("zero", "one", "two", "few", "many", "other")
_FAMILY = re.compile(r"[\w -]{1,60}")
_LENGTH = re.compile(r"\d{1,4}(?:\.\d{1,3})?(?:px|pt|mm|cm|in|em|rem|%)?")


class Html(Markup):
    """HTML that we wrote or cleaned, for languages that must tell it from their own output."""


def helpers_of(spec: RenderSpec) -> Mapping[str, Helper]:
    """Return the helpers of a version by name, with its locale, time zone and assets."""
    return _helpers(spec.locale, spec.timezone, frozenset(asset.name for asset in spec.assets))


@lru_cache(maxsize=32)
def _helpers(locale: str, timezone: str, assets: frozenset[str]) -> Mapping[str, Helper]:
    writer = _Helpers(locale, timezone, assets)
    return {name: Helper(name, getattr(writer, name)) for name in HELPER_NAMES}


class Helper:
    """A helper with a name. Where it is not called, its name was meant for a value that the payload lacks."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self._function = function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Return a text or an Html; raise HelperRefusal in the helper's name."""
        try:
            return self._function(*arguments, **options)
        except HelperRefusal as refusal:
            raise HelperRefusal(refusal.code, f"{self.name}: {refusal.message}") from refusal
        except TypeError as error:
            # Its own words name the class and the method, which no author knows.
            message = re.sub(r"_Helpers\.(\w+)\(\)", r"\1", str(error))
            raise HelperRefusal(wrong_argument("").code, f"{self.name}: {message}") from error

    def __bool__(self) -> bool:
        """Be no value to ask for: `{% if date %}` means the payload's date."""
        raise wrong_value(f"'{self.name}' is undefined")


class _Helpers:
    """The helpers; each public method is one."""

    def __init__(self, locale: str, timezone: str, assets: frozenset[str]) -> None:
        self._locale = locale
        self._timezone = timezone
        self._assets = assets

    def money(self, value: Any, currency: Any = None, *, locale: Any = None) -> str:
        """Return an amount with its currency, rounded half up to the currency's own decimals."""
        if not isinstance(currency, str) or currency.upper() not in _currencies():
            raise wrong_value(f"{currency!r} is no ISO 4217 currency, such as 'EUR'")
        currency = currency.upper()
        with localcontext(prec=80, rounding=ROUND_HALF_UP):
            amount = round(_decimal(value), get_currency_precision(currency))
            try:
                # -0.004 would otherwise be "-€0.00".
                return format_currency(amount or Decimal(0), currency, locale=self._locale_of(locale))
            except UnknownCurrencyError as error:
                raise wrong_value(f"{currency!r} is no ISO 4217 currency, such as 'EUR'") from error

    def number(self, value: Any, decimals: Any = None, *, locale: Any = None) -> str:
        """Return a number with the locale's separators, rounded half up to `decimals` (as many as it has)."""
        amount = _decimal(value)
        if decimals is None:
            exponent = amount.normalize().as_tuple().exponent
            decimals = min(max(0, -exponent), _MAX_DECIMALS) if isinstance(exponent, int) else 0
        if type(decimals) is not int or not 0 <= decimals <= _MAX_DECIMALS:
            raise wrong_argument(f"decimals must be a whole number from 0 to {_MAX_DECIMALS}")
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        with localcontext(prec=80, rounding=ROUND_HALF_UP):
            amount = round(amount, decimals) or Decimal(0)
            return format_decimal(amount, pattern, locale=self._locale_of(locale))

    def date(self, value: Any, format: Any = "medium", *, locale: Any = None, timezone: Any = None) -> str:  # noqa: A002
        """Return the date of an ISO 8601 date or time: short, medium, long, full, or a CLDR pattern."""
        zone = timezone or self._timezone
        return helper_dates.date(value, format, self._locale_of(locale), zone)

    def time(self, value: Any, format: Any = "short", *, locale: Any = None, timezone: Any = None) -> str:  # noqa: A002
        """Return the time of day of an ISO 8601 time, in the version's time zone or the one named."""
        zone = timezone or self._timezone
        return helper_dates.time(value, format, self._locale_of(locale), zone)

    def pluralise(self, count: Any, *forms: Any, locale: Any = None, **named: Any) -> str:
        """Return the form that goes with `count`: one and other in order, or by the CLDR's names of the locale."""
        if unknown := set(named) - set(_PLURALS):
            raise wrong_argument(f"{sorted(unknown)[0]!r} is none of {', '.join(_PLURALS)}")
        chosen = dict(zip(("one", "other"), forms, strict=False)) | named
        if len(forms) > 2 or "other" not in chosen:
            raise wrong_argument("it takes a count and two forms, or forms by name with at least 'other'")
        number = _decimal(count)
        if number == 0 and "zero" in chosen:
            return str(chosen["zero"])
        form = self._locale_of(locale).plural_form(abs(number))
        return str(chosen.get(form, chosen["other"]))

    def qr_code(self, text: Any, *, size: Any = "30mm", error: Any = "m", color: Any = "#000") -> Html:
        """Return a QR code as SVG."""
        return Html(helper_codes.qr_code(_text(text), _length(size), error, color))  # our own SVG

    def barcode(self, text: Any, kind: Any = "code128", *, height: Any = "15mm", caption: Any = True) -> Html:
        """Return a barcode as SVG: code128, ean13, ean8, upca or code39."""
        return Html(helper_codes.barcode(_text(text), kind, _length(height), bool(caption)))  # our own SVG

    def image(self, name: Any, *, alt: Any = "", width: Any = None, height: Any = None) -> Html:
        """Return an image element for an asset."""
        sizes = [f"{key}:{_length(value)}" for key, value in (("width", width), ("height", height)) if value]
        style = f' style="{";".join(sizes)}"' if sizes else ""
        source = escape(self._asset(name))
        return Html(f'<img src="asset:{source}" alt="{escape(str(alt))}"{style}>')  # escaped above

    def font(self, name: Any, *, family: Any = None, weight: Any = 400, style: Any = "normal") -> Html:
        """Return an @font-face rule for an asset, to stand in a style element."""
        asset = self._asset(name)
        family = asset.rpartition(".")[0] if family is None else family
        if not isinstance(family, str) or not _FAMILY.fullmatch(family) or not _FAMILY.fullmatch(str(weight)):
            raise wrong_argument("family and weight are made of letters, digits, spaces and hyphens")
        if style not in {"normal", "italic", "oblique"}:
            raise wrong_argument("style is normal, italic or oblique")
        url = re.sub(r"[^\w.-]", lambda found: f"%{ord(found[0]):02X}", asset, flags=re.ASCII)
        rule = f"font-family: '{family}'; src: url(asset:{url}); font-weight: {weight}; font-style: {style}"
        return Html("@font-face { " + rule + " }")  # every part is checked above

    def _asset(self, name: Any) -> str:
        if not isinstance(name, str) or name not in self._assets:
            raise wrong_argument(f"{name!r} is not among this version's assets")
        return name

    def _locale_of(self, locale: Any) -> Locale:
        return _locale(self._locale if locale is None else locale)


def _locale(name: Any) -> Locale:
    try:
        return Locale.parse(str(name).replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise wrong_argument(f"{name!r} is no locale, such as 'en-GB' or 'de'") from error


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies())


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise wrong_value(f"a number is needed, not {_named(value)}")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else str(value).strip())
    except (InvalidOperation, ValueError) as error:
        raise wrong_value(f"{_shown(value)} is not a number") from error
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS or len(number.as_tuple().digits) > _MAX_DIGITS:
        raise wrong_value(f"{_shown(value)} is not a number of at most {_MAX_DIGITS} digits")
    return number


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise wrong_value(f"a text is needed, not {_named(value)}")
    return str(value).encode("utf-8", "replace").decode()


def _length(value: Any) -> str:
    text = str(value)
    if isinstance(value, bool) or not _LENGTH.fullmatch(text):
        raise wrong_argument(f"{_shown(value)} is no length, such as '30mm'")
    return text + ("px" if text[-1].isdigit() else "")


def _named(value: Any) -> str:
    if value is None:
        return "null"
    return {bool: "a truth value", dict: "an object", list: "a list"}.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    return repr(value if len(str(value)) <= 40 else f"{str(value)[:40]}…")
