"""Settings of downloads that make no sense together."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def sendfile_has_files(**_: Any) -> list[CheckMessage]:
    """Refuse a proxy that is to send files from a disk when they lie on S3, and a location that cannot be one."""
    found: list[CheckMessage] = []
    if settings.SENDFILE and settings.S3_BUCKET:
        found.append(
            Error(
                f"SENDFILE is {settings.SENDFILE}, but files are on S3, where the proxy cannot send them from.",
                hint="Unset SENDFILE; links with delivery presigned spare this service the bytes.",
                id="downloads_app.E001",
            )
        )
    location = settings.SENDFILE_LOCATION
    if not (location.startswith("/") and location.endswith("/")):
        found.append(
            Error(
                f"SENDFILE_LOCATION is {location!r}.",
                hint="Write the internal location of the proxy as /protected-files/, with both slashes.",
                id="downloads_app.E002",
            )
        )
    return found
