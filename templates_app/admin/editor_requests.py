"""What the editor's scripts send and get: strict JSON both ways, refusals as problem documents."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from csp.constants import NONCE, SELF
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from rest_framework import serializers

from pdfservice.lib.json_parser import parse_json, refuse_oversized
from pdfservice.lib.problems import as_service_error, problem_response
from pdfservice.lib.serializers import StrictSerializer
from templates_app.api.parsers import MAX_SOURCES_BYTES
from templates_app.authoring.drafts import DraftFields
from templates_app.authoring.live_previews import MOST_PAGES
from templates_app.renderer.contracts import Engine
from templates_app.serializers import VersionRequestSerializer

Arguments = ParamSpec("Arguments")
Endpoint = Callable[Concatenate[HttpRequest, Arguments], HttpResponse]
# JSON that is typed goes as text: JavaScript would round what is beyond 2^53, and has no say over doubled keys.
_TEXTS = {"sample_text": "sample_payload", "schema_text": "payload_schema"}


class TypedSerializer(StrictSerializer):
    """What is in the editor, and the state of the draft it was typed upon."""

    fields_typed = serializers.DictField()
    revision = serializers.IntegerField(min_value=1, required=False)


class LookSerializer(StrictSerializer):
    """Which pages to show of what is in the editor, and how."""

    fields_typed = serializers.DictField()
    sitting = serializers.RegexField(r"\A[A-Za-z0-9:_-]{1,80}\Z")
    engine = serializers.ChoiceField(choices=[engine.value for engine in Engine], required=False)
    first = serializers.IntegerField(min_value=1, max_value=100_000, default=1)
    count = serializers.IntegerField(min_value=1, max_value=MOST_PAGES, default=2)
    dpi = serializers.IntegerField(min_value=36, max_value=220, default=110)
    small = serializers.BooleanField(default=True)


def editor_endpoint(view: Endpoint[Arguments]) -> Endpoint[Arguments]:
    """Let a view's refusals become problem documents, which no cache keeps."""

    @wraps(view)
    def answer(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Exception as error:
            refusal = as_service_error(error)
            if refusal is None:
                raise
            response = problem_response(refusal)
        response.headers["Cache-Control"] = "no-store"
        return response

    return answer


def with_style_nonce(view: Endpoint[Arguments]) -> Endpoint[Arguments]:
    """Let a page's own script add a style sheet: the code editor does, with the page's nonce."""
    styled: Any = csp_update({"style-src": [SELF, NONCE]})
    wrapped: Endpoint[Arguments] = styled(view)
    return wrapped


def body_of(request: HttpRequest) -> Any:
    """Return the parsed body of a request; raise ServiceError (400, 413)."""
    refuse_oversized(request, MAX_SOURCES_BYTES, says=MAX_SOURCES_BYTES)
    return parse_json(request.body)


def typed_fields(typed: dict[str, Any]) -> DraftFields:
    """Return the validated fields of a draft; raise ValidationError, or ServiceError (400) for JSON that is none."""
    fields = dict(typed)
    for name, target in _TEXTS.items():
        if name in fields:
            text = str(fields.pop(name)).strip()
            fields[target] = parse_json(text.encode()) if text else None
    body = VersionRequestSerializer(data=fields)
    body.is_valid(raise_exception=True)
    return body.to_fields()
