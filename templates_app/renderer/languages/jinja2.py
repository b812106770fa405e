"""Jinja2 in its immutable sandbox. It stops attribute tricks; the child's limits stop memory and loop bombs."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator

import jinja2

from templates_app.renderer.contracts import ErrorCode, RenderError
from templates_app.renderer.languages.jinja2_sandbox import PayloadValueMissing, TemplateSandbox
from templates_app.renderer.languages.payload import parse_payload, pointer_to

_MAX_HTML_CHARS = 64 << 20
_TEMPLATES_KEPT = 32
_environment = TemplateSandbox()
_compiled: OrderedDict[bytes, jinja2.Template] = OrderedDict()


def write_html(source: str, payload: bytes) -> str:
    """Render `source` with the payload's keys as variables; raise RenderError with the line at fault."""
    values = parse_payload(payload)
    template = _compile(source)
    try:
        return "".join(_bounded(template.generate(values)))
    except (MemoryError, RenderError):
        raise
    except PayloadValueMissing as error:
        path = pointer_to(values, error.holder, error.name)
        raise RenderError(
            ErrorCode.PAYLOAD_ERROR, str(error), permanent=True, line=_line_of(error), path=path
        ) from error
    except RecursionError as error:
        raise _template_error("the template calls itself without end", _line_of(error)) from error
    except Exception as error:
        raise _template_error(f"{type(error).__name__}: {error}", _line_of(error)) from error


def _compile(source: str) -> jinja2.Template:
    key = hashlib.sha256(source.encode("utf-8", "replace")).digest()
    if template := _compiled.get(key):
        _compiled.move_to_end(key)
        return template
    try:
        template = _environment.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise _template_error(error.message or "syntax error", error.lineno) from error
    except RecursionError as error:
        raise _template_error("the template is nested too deeply", None) from error
    except (SyntaxError, ValueError, OverflowError) as error:
        # What Jinja2 accepts and Python's compiler does not: too many nested blocks, numbers of 5,000 digits.
        raise _template_error(f"the template cannot be compiled: {error}", None) from error
    _compiled[key] = template
    if len(_compiled) > _TEMPLATES_KEPT:
        _compiled.popitem(last=False)
    return template


def _bounded(pieces: Iterator[str]) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _MAX_HTML_CHARS:
            message = f"the template wrote more than {_MAX_HTML_CHARS >> 20} million characters of HTML"
            raise RenderError(ErrorCode.TOO_LARGE, message, permanent=True)
        yield piece


def _template_error(message: str, line: int | None) -> RenderError:
    return RenderError(ErrorCode.TEMPLATE_ERROR, message, permanent=True, line=line)


def _line_of(error: Exception) -> int | None:
    """Return the template's line that raised `error`: Jinja2 rewrites tracebacks so that they name it."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
