"""What each kind of job does: one file a kind, all with `prepare`, `produce`, `longest_seconds` and `interrupt`.

`produce` returns a Product, or None when the work leaves no document."""

from __future__ import annotations

from types import ModuleType

from jobs_app.handlers import bundle, expand, render
from jobs_app.states import Kind

HANDLERS: dict[str, ModuleType] = {Kind.RENDER: render, Kind.EXPAND: expand, Kind.BUNDLE: bundle}
