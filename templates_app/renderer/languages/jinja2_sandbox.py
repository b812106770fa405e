"""Jinja2's immutable sandbox, with the payload's keys before methods, plain data only and no cheap bombs."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from templates_app.renderer.contracts import RenderSpec
from templates_app.renderer.languages.helpers import Helper, Html, helpers_of
from templates_app.renderer.languages.sanitiser import clean

PARTIALS = "partials/"
_MAX_REPEATED = 10_000_000
_MAX_POWER_BITS = 10_000
_PLAIN_DATA = (dict, list, str, int, float, bool, type(None))
_DICT_METHODS = frozenset({"items", "keys", "values", "get"})
# A format that looks into nothing: it needs no guard, and Jinja2's, written in Python, takes ten times as long.
_PLAIN_FORMAT = re.compile(r"[^{}]*(?:\{[0-9]*(?::[^{}]*)?\}[^{}]*)*")
# Random output is never the same twice.
_WITHOUT_FILTERS = ("random",)
_WITHOUT_GLOBALS = ("lipsum",)


class PayloadValueMissing(jinja2.UndefinedError):
    """The template uses `name` of `holder` (None: of the payload itself), and it is not there."""

    def __init__(self, holder: object, name: str | int | None, message: str | None) -> None:
        super().__init__(message)
        self.holder = holder
        self.name = name


class _Missing(jinja2.StrictUndefined):
    """A value that is not there: any use of it is an error, the payload's if the payload could have had it."""

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: Callable[..., Exception] = jinja2.UndefinedError,
    ) -> None:
        top_level = obj is missing
        if exc is jinja2.UndefinedError and (top_level or isinstance(obj, _PLAIN_DATA)) and hint is None:
            exc = partial(PayloadValueMissing, None if top_level else obj, name)
        super().__init__(hint, obj, name, exc)  # type: ignore[arg-type] # called with the message, as a class would be


class TemplateSandbox(ImmutableSandboxedEnvironment):
    """The environment of one version: all it can include are the version's partials."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, spec: RenderSpec) -> None:
        self.trusted: frozenset[str] = frozenset()
        self._partials = {partial.name: partial.source for partial in spec.partials}
        super().__init__(
            autoescape=True,
            undefined=_Missing,
            finalize=self.finished,
            loader=jinja2.FunctionLoader(self._load),
            auto_reload=False,
        )
        for name in _WITHOUT_FILTERS:
            del self.filters[name]
        for name in _WITHOUT_GLOBALS:
            del self.globals[name]
        self.filters["safe"] = self._safe
        helpers = helpers_of(spec)
        for name, helper in helpers.items():
            self.globals[name] = self.filters[name] = helper
        self.tests["defined"] = _is_defined
        self.tests["undefined"] = lambda value: not _is_defined(value)
        self.filters["default"] = self.filters["d"] = _default
        # For templates whose payload has a key called `date`.
        self.globals["helpers"] = dict(helpers)

    def finished(self, value: Any) -> Any:
        """Return what is printed for a value (called by Jinja2, before escaping)."""
        return _printable(value)

    def _load(self, name: str) -> tuple[str, str, None] | None:
        source = self._partials.get(name)
        return None if source is None else (source, f"{PARTIALS}{name}", None)

    def _safe(self, value: Any) -> Html:
        """Return HTML as HTML, cleaned unless it is the content of a trusted field."""
        if isinstance(value, Undefined) or not hasattr(value, "__html__"):
            value = str(value)
            return Html(value if value in self.trusted else clean(value))  # cleaned or trusted
        return Html(value.__html__())  # already markup

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        for switch in template.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
            if any(option.key == "autoescape" for option in switch.options):
                message = "escaping cannot be switched off; print trusted HTML with |safe"
                raise jinja2.TemplateSyntaxError(message, switch.lineno, name, filename)
        return template

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look in a payload object's own keys first: `invoice.items` is its list of items."""
        if isinstance(obj, dict):
            if attribute in obj:
                return obj[attribute]
            if attribute not in _DICT_METHODS:
                return self.undefined(obj=obj, name=attribute)
        elif attribute == "format" and type(obj) is str and _PLAIN_FORMAT.fullmatch(obj):
            return obj.format
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look up a key; a missing one is missing, never a method of the same name."""
        if isinstance(obj, dict) and isinstance(argument, str):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=argument)
        return super().getitem(obj, argument)

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        """Refuse the two operators that make gigabytes out of a few characters."""
        if operator == "*":
            _check_repetition(left, right)
            _check_repetition(right, left)
        elif isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > _MAX_POWER_BITS:
            raise SecurityError("the power is too large")
        return super().call_binop(context, operator, left, right)


def _is_defined(value: object) -> bool:
    return not isinstance(value, Undefined | Helper)


def _default(value: Any, default: Any = "", boolean: bool = False) -> Any:
    """Return `default` for a value that is not there (Jinja2's own takes a helper of that name for the value)."""
    return default if not _is_defined(value) or (boolean and not value) else value


def _check_repetition(sequence: object, times: object) -> None:
    if isinstance(times, int):
        if isinstance(sequence, str | list | tuple) and len(sequence) * times > _MAX_REPEATED:
            raise SecurityError("the repetition is too long")
        if isinstance(sequence, int) and sequence.bit_length() + times.bit_length() > _MAX_POWER_BITS:
            raise SecurityError("the product is too large")


def _printable(value: Any) -> Any:
    """Refuse to print what no author meant to print: `{{ invoice.items }}` where the invoice has none."""
    if isinstance(value, Helper):
        raise PayloadValueMissing(None, value.name, f"'{value.name}' is undefined")
    if callable(value) and not isinstance(value, Undefined):
        raise jinja2.TemplateRuntimeError("this is a function, not a value; call it or name a value")
    return value
