"""How helpers say no: the payload's value is wrong, or the template's argument is."""

from __future__ import annotations

from templates_app.renderer.contracts import ErrorCode


class HelperRefusal(Exception):
    """A helper cannot do what it was asked; `code` says whose fault that is."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def wrong_value(message: str) -> HelperRefusal:
    """Return the refusal of a value that came with the payload."""
    return HelperRefusal(ErrorCode.PAYLOAD_ERROR, message)


def wrong_argument(message: str) -> HelperRefusal:
    """Return the refusal of an argument that the template's author wrote."""
    return HelperRefusal(ErrorCode.TEMPLATE_ERROR, message)
