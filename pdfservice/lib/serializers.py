"""Serializers that refuse what they do not know."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields, by name and together with all other faults, so that no misspelt option is ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated data; raise ValidationError with every fault."""
        unknown = self._unknown(data) if isinstance(data, Mapping) else {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not unknown or not isinstance(error.detail, dict):
                raise
            raise serializers.ValidationError({**error.detail, **unknown}) from error
        if unknown:
            raise serializers.ValidationError(unknown)
        return value

    def _unknown(self, data: Mapping[Any, Any]) -> dict[str, list[str]]:
        known = [name for name, field in self.fields.items() if not field.read_only]
        faults = {}
        for name in map(str, data):
            if name not in known:
                similar = get_close_matches(name, known, n=1)
                hint = f" Did you mean {similar[0]}?" if similar else ""
                faults[name] = [f"There is no such field.{hint}"]
        return faults
