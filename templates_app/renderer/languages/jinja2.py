"""Jinja2 in its immutable sandbox. It stops attribute tricks; the child's limits stop memory and loop bombs."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator
from typing import cast

import jinja2

from templates_app.renderer.contracts import SOURCE_FILE, ErrorCode, RenderError, RenderSpec
from templates_app.renderer.languages.helpers import HelperRefusal
from templates_app.renderer.languages.jinja2_sandbox import PARTIALS, PayloadValueMissing, TemplateSandbox
from templates_app.renderer.languages.payload import parse_payload, pointer_to, trusted_texts

_MAX_HTML_CHARS = 64 << 20
_TEMPLATES_KEPT = 32
_compiled: OrderedDict[bytes, jinja2.Template] = OrderedDict()


def write_html(spec: RenderSpec) -> str:
    """Render the source with the payload's keys as variables; raise RenderError with the line at fault."""
    return render(spec, spec.html_source)


def render(spec: RenderSpec, source: str, sandbox: type[TemplateSandbox] = TemplateSandbox) -> str:
    """Render `source`, which another language may have made of the spec's, with the spec's payload and partials."""
    values = parse_payload(spec.payload)
    template = _compile(spec, source, sandbox)
    cast(TemplateSandbox, template.environment).trusted = trusted_texts(values, spec.trusted_fields)
    try:
        return "".join(_bounded(template.generate(values)))
    except (MemoryError, RenderError):
        raise
    except HelperRefusal as error:
        raise _error(error.code, error.message, error) from error
    except PayloadValueMissing as error:
        path = pointer_to(values, error.holder, error.name)
        raise _error(ErrorCode.PAYLOAD_ERROR, str(error), error, path=path) from error
    except RecursionError as error:
        raise _error(ErrorCode.TEMPLATE_ERROR, "the template calls itself without end", error) from error
    except jinja2.TemplateSyntaxError as error:
        raise _syntax_error(error) from error
    except jinja2.TemplateNotFound as error:
        raise _error(ErrorCode.TEMPLATE_ERROR, f"there is no partial {error.name!r}", error) from error
    except Exception as error:
        raise _error(ErrorCode.TEMPLATE_ERROR, f"{type(error).__name__}: {error}", error) from error


def _compile(spec: RenderSpec, source: str, sandbox: type[TemplateSandbox]) -> jinja2.Template:
    key = _key(spec, source, sandbox)
    if template := _compiled.get(key):
        _compiled.move_to_end(key)
        return template
    try:
        template = sandbox(spec).from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise _syntax_error(error) from error
    except RecursionError as error:
        raise _error(ErrorCode.TEMPLATE_ERROR, "the template is nested too deeply") from error
    except (SyntaxError, ValueError, OverflowError) as error:
        # What Jinja2 accepts and Python's compiler does not: too many nested blocks, numbers of 5,000 digits.
        raise _error(ErrorCode.TEMPLATE_ERROR, f"the template cannot be compiled: {error}") from error
    _compiled[key] = template
    if len(_compiled) > _TEMPLATES_KEPT:
        _compiled.popitem(last=False)
    return template


def _key(spec: RenderSpec, source: str, sandbox: type[TemplateSandbox]) -> bytes:
    """Return a digest of everything that the compiled template and its environment depend on."""
    parts = [sandbox.__name__, source, spec.locale, spec.timezone, [[p.name, p.source] for p in spec.partials]]
    return hashlib.sha256(json.dumps([*parts, [asset.name for asset in spec.assets]]).encode()).digest()


def _bounded(pieces: Iterator[str]) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _MAX_HTML_CHARS:
            message = f"the template wrote more than {_MAX_HTML_CHARS >> 20} million characters of HTML"
            raise RenderError(ErrorCode.TOO_LARGE, message, permanent=True)
        yield piece


def _syntax_error(error: jinja2.TemplateSyntaxError) -> RenderError:
    file = error.filename if (error.filename or "").startswith(PARTIALS) else SOURCE_FILE
    message = _said(error.message or "syntax error", file)
    return RenderError(ErrorCode.TEMPLATE_ERROR, message, permanent=True, line=error.lineno, file=file or SOURCE_FILE)


def _error(code: ErrorCode, message: str, cause: Exception | None = None, *, path: str | None = None) -> RenderError:
    file, line = _place_of(cause) if cause else (SOURCE_FILE, None)
    return RenderError(code, _said(message, file), permanent=True, line=line, file=file, path=path)


def _said(message: str, file: str | None) -> str:
    return f"in {file}: {message}" if file and file != SOURCE_FILE else message


def _place_of(error: Exception) -> tuple[str, int | None]:
    """Return the file and line that raised `error`: Jinja2 rewrites tracebacks so that they name them."""
    place: tuple[str, int | None] = (SOURCE_FILE, None)
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name == "<template>":
            place = (SOURCE_FILE, trace.tb_lineno)
        elif name.startswith(PARTIALS):
            place = (name, trace.tb_lineno)
        trace = trace.tb_next
    return place
