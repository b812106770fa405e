"""What each kind of job does: one file a kind, each with a `produce` and an `interrupt` of the same shape."""

from __future__ import annotations

from types import ModuleType

from jobs_app.handlers import render
from jobs_app.states import Kind

HANDLERS: dict[str, ModuleType] = {Kind.RENDER: render}
