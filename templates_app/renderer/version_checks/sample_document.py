"""The source compiles, and the sample payload makes a document with nothing missing."""

from __future__ import annotations

from collections.abc import Iterator

from templates_app.renderer.contracts import ErrorCode, RenderError
from templates_app.renderer.findings import Finding, error
from templates_app.renderer.version_checks.subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Yield why there is no document, and what the one there is asked for in vain."""
    printed = subject.printed
    if printed.failure is not None:
        yield _why(subject, printed.failure)
    for url, reason in printed.problems.items():
        place = subject.find(url)
        code = "asset_missing" if url.lower().startswith(("asset:", "data:")) else "url_outside"
        yield error(code, f"{url} cannot be loaded: {reason}.", place.file, place.line, place.column)


def _why(subject: Subject, failure: RenderError) -> Finding:
    if failure.code is ErrorCode.PAYLOAD_ERROR:
        path = f" (at {failure.path} of the payload)" if failure.path else ""
        if subject.sample is None:
            message = f"There is no sample payload, and without one the source fails: {failure.message}{path}"
            return error("sample_missing", message, "sample_payload")
        message = f"The sample payload does not do: {failure.message}{path}"
        return error("sample_error", message, failure.file, failure.line, failure.column)
    return error(failure.code.value, failure.message, failure.file, failure.line, failure.column)
