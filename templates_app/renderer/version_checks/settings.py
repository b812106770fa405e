"""What a version says beside its texts: a locale and a time zone that exist, trusted fields that could be fields."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator

from babel import Locale, UnknownLocaleError

from templates_app.renderer.contracts import is_field_path
from templates_app.renderer.findings import Finding, error, warning
from templates_app.renderer.languages.payload import trusted_texts
from templates_app.renderer.version_checks.subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `locale_unknown`, `timezone_unknown`, `trusted_field_invalid` and `trusted_field_unused`."""
    spec = subject.spec
    try:
        Locale.parse(spec.locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        message = f"{spec.locale!r} is no locale that numbers and dates can be written in, such as en-GB."
        yield error("locale_unknown", message, "locale")
    if spec.timezone not in zoneinfo.available_timezones():
        yield error("timezone_unknown", f"{spec.timezone!r} is no time zone, such as Europe/Berlin.", "timezone")
    for path in spec.trusted_fields:
        if not is_field_path(path):
            message = f"{path!r} is no field; fields look like body or items.*.html."
            yield error("trusted_field_invalid", message, "trusted_fields")
        elif isinstance(subject.sample, dict) and not trusted_texts(subject.sample, [path]):
            message = f"The sample has no text at {path}, so nothing shows that this field is trusted."
            yield warning("trusted_field_unused", message, "trusted_fields")
