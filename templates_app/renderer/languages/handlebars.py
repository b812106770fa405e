"""Handlebars: the real handlebars.js in a QuickJS interpreter that has a memory limit and no way out."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import _quickjs  # `import quickjs` starts a thread, which a zygote must not have
from markupsafe import Markup

from templates_app.renderer.contracts import SOURCE_FILE, ErrorCode, RenderError, RenderSpec
from templates_app.renderer.languages.helpers import HELPER_NAMES, Helper, HelperRefusal, helpers_of
from templates_app.renderer.languages.payload import parse_payload, trusted_texts
from templates_app.renderer.languages.sanitiser import clean

_HERE = Path(__file__).parent
# In the order of loading: handlebars.js as npm ships it (its licence beside it), then our side of the conversation.
# Read now: a confined child cannot, and may need another interpreter.
_PROGRAMS = [
    path.read_text() + ";0" for path in (_HERE / "vendor/handlebars/handlebars.min.js", _HERE / "handlebars.js")
]
_MEMORY_BYTES = 256 << 20
_STACK_BYTES = 2 << 20


class _Interpreter:
    """One interpreter with handlebars.js in it. Time is the child's limit: calls back into Python exclude its own."""

    def __init__(self) -> None:
        self.helpers: dict[str, Helper] = {}
        self.trusted: frozenset[str] = frozenset()
        self._context = _quickjs.Context()
        self._context.set_memory_limit(_MEMORY_BYTES)
        self._context.set_max_stack_size(_STACK_BYTES)
        self._context.add_callable("pythonHelper", self._call_helper)
        self._context.add_callable("pythonClean", self._clean)
        self._context.add_callable("pythonHelperNames", partial(json.dumps, HELPER_NAMES))
        for program in _PROGRAMS:
            self._context.eval(program)

    def run(self, key: str, sources: str, data: str) -> dict[str, Any]:
        """Return what the program answers; raise StackOverflow or JSException where it cannot."""
        reply: dict[str, Any] = json.loads(self._context.get("run")(key, sources, data))
        return reply

    def _call_helper(self, call: str) -> str:
        name, arguments, options = json.loads(call)
        try:
            result = self.helpers[name](*arguments, **options)
        except HelperRefusal as refusal:
            return json.dumps({"error": refusal.code.value, "message": refusal.message})
        return json.dumps({"html" if isinstance(result, Markup) else "text": result})

    def _clean(self, text: str) -> str:
        html = json.loads(text)
        return json.dumps(html if html in self.trusted else clean(html))


_interpreters: list[_Interpreter] = []


def warm() -> None:
    """Start the interpreter, which children then inherit (20 ms)."""
    if not _interpreters:
        _interpreters.append(_Interpreter())


def write_html(spec: RenderSpec) -> str:
    """Render the source with the payload as context; raise RenderError with the place at fault."""
    values = parse_payload(spec.payload)
    sources = {SOURCE_FILE: spec.html_source} | {f"partials/{part.name}": part.source for part in spec.partials}
    packed = json.dumps(sources)
    warm()
    # Taken out until it has answered: one that ran out of memory or stack is never used again.
    interpreter = _interpreters.pop()
    interpreter.helpers = dict(helpers_of(spec))
    interpreter.trusted = trusted_texts(values, spec.trusted_fields)
    try:
        reply = interpreter.run(hashlib.sha256(packed.encode()).hexdigest(), packed, json.dumps(values))
    except _quickjs.StackOverflow as error:
        message = "the template calls itself without end, or is nested too deeply"
        raise RenderError(ErrorCode.TEMPLATE_ERROR, message, permanent=True) from error
    except _quickjs.JSException as error:
        raise _failure(str(error)) from error
    _interpreters.append(interpreter)
    if "html" in reply:
        return str(reply["html"])
    raise RenderError(
        ErrorCode(reply["error"]),
        reply["message"] if reply["file"] == SOURCE_FILE else f"in {reply['file']}: {reply['message']}",
        permanent=True,
        line=reply["line"],
        column=reply["column"],
        file=reply["file"],
    )


def _failure(message: str) -> RenderError:
    if "out of memory" in message or message.strip() == "null":
        return RenderError(ErrorCode.RENDER_MEMORY, "the template needs too much memory", permanent=False)
    first = message.strip().partition("\n")[0]
    return RenderError(ErrorCode.TEMPLATE_ERROR, f"the template cannot be rendered: {first}", permanent=True)
