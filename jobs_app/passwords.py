"""The passwords of a PDF: sealed apart from a job's other options until it has ended, and then gone.

In the options stays what tells nothing: that the document is encrypted, and what its readers may do.
"""

from __future__ import annotations

import json
import stringprep
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rest_framework import serializers

from jobs_app.models import Batch, Job
from jobs_app.outcomes import Failure, WorkRefused
from pdfservice.lib.sealed import SealBroken, seal, unseal
from pdfservice.lib.serializers import StrictSerializer
from templates_app.renderer.finishes import Encryption, Permission

ENCRYPTION = "encryption"
_MAX_BYTES = 127
# RFC 4013, 2.3: what a password may not hold, for nobody could type it.
_PROHIBITED = (
    stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3, stringprep.in_table_c4,
    stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8,
    stringprep.in_table_c9,
)  # fmt: skip


class PasswordField(serializers.CharField):
    """A password as PDF readers understand one: up to 127 bytes after SASLprep (ISO 32000-2, 7.6.4.3.2)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=_MAX_BYTES, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return what a reader makes of the same keys; raise ValidationError, which never quotes it."""
        password = prepared(super().to_internal_value(data))
        if not password or any(is_in(one) for one in password for is_in in _PROHIBITED):
            raise serializers.ValidationError("A password holds no control characters and none that cannot be typed.")
        if len(password.encode()) > _MAX_BYTES:
            raise serializers.ValidationError(f"A password has up to {_MAX_BYTES} bytes in UTF-8.")
        return password


def prepared(password: str) -> str:
    """Return a password after the mapping and normalisation of SASLprep (RFC 4013, 2.1 and 2.2)."""
    mapped = (" " if stringprep.in_table_c12(one) else one for one in password if not stringprep.in_table_b1(one))
    return unicodedata.normalize("NFKC", "".join(mapped))


class EncryptionSerializer(StrictSerializer):
    """Encrypt the PDF with AES-256. Neither password is ever shown again."""

    user_password = PasswordField(required=False, write_only=True, help_text="Opens the document.")
    owner_password = PasswordField(
        required=False, write_only=True, help_text="Opens it without limits; a random one if left out."
    )
    permissions = serializers.ListField(
        child=serializers.ChoiceField(choices=[value.value for value in Permission]),
        required=False,
        max_length=len(Permission),
        help_text="What readers may do who have not the owner's password; everything if left out.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what protects nothing."""
        user, owner = attrs.get("user_password"), attrs.get("owner_password")
        if user is None and owner is None and "permissions" not in attrs:
            raise serializers.ValidationError("Name a user_password, an owner_password or permissions.")
        if user is not None and user == owner:
            raise serializers.ValidationError(
                {"owner_password": ["It has to differ from the user's: readers would not tell the two apart."]}
            )
        return attrs


@dataclass(frozen=True, slots=True)
class Passwords:
    """What opens a document; empty for one that nobody gave."""

    user: str = field(default="", repr=False)
    owner: str = field(default="", repr=False)


def take_out(options: Mapping[str, Any]) -> tuple[dict[str, Any], Passwords | None]:
    """Return validated options without their passwords, and the passwords; None for a document to be left open."""
    others = {name: value for name, value in options.items() if name != ENCRYPTION}
    wish = options.get(ENCRYPTION)
    if wish is None:
        return others, None
    kept = {"permissions": sorted(set(wish["permissions"]))} if "permissions" in wish else {}
    return {**others, ENCRYPTION: kept}, Passwords(wish.get("user_password", ""), wish.get("owner_password", ""))


def sealed_for(owner: Job | Batch, passwords: Passwords | None) -> str:
    """Return passwords as they are kept with a job or a batch; empty without any."""
    return "" if passwords is None else seal(json.dumps(asdict(passwords)), purpose=_purpose(owner))


def passwords_of(owner: Job | Batch) -> Passwords | None:
    """Return the passwords that are kept with a job or batch that is under way; raise SealBroken."""
    if ENCRYPTION not in owner.options:
        return None
    return Passwords(**json.loads(unseal(owner.sealed_passwords, purpose=_purpose(owner))))


def encryption_of(job: Job) -> Encryption | None:
    """Return how a job's document is encrypted; raise WorkRefused when its passwords cannot be read any more."""
    try:
        passwords = passwords_of(job)
    except SealBroken as error:
        message = "The passwords of this document cannot be read any more: SECRET_KEY was changed. Submit it again."
        raise WorkRefused(Failure("password_lost", message, permanent=True)) from error
    if passwords is None:
        return None
    permissions = job.options[ENCRYPTION].get("permissions", [value.value for value in Permission])
    return Encryption(passwords.user, passwords.owner, tuple(Permission(name) for name in permissions))


def _purpose(owner: Job | Batch) -> str:
    return f"passwords of {type(owner).__name__.lower()} {owner.external_id}"
