"""Watermarks in the admin: made and changed with a picture beside the form that follows it."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_POST

from pdfservice.lib.errors import ServiceError
from pdfservice.teams.models import Team
from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import TeamFilter, TeamScopedAdmin, actor_of, rights_of
from templates_app.admin.editor_requests import editor_endpoint
from templates_app.authoring.parts import MAX_ASSET_BYTES, asset_content_type
from templates_app.authoring.watermark_previews import watermark_preview
from templates_app.authoring.watermarks import watermark_create, watermark_delete, watermark_update
from templates_app.models import AssetType, TemplateVersion, WatermarkConfig
from templates_app.watermark_models import WatermarkType
from templates_app.watermark_serializers import WatermarkRequestSerializer

_FIELDS = [
    "team", "name", "type", "content", "file", "opacity", "rotation_deg", "font_size", "width_percent", "color_hex",
    "repeat_tile", "position", "pages",
]  # fmt: skip


class WatermarkForm(forms.ModelForm[WatermarkConfig]):
    """What a watermark is like. What the API refuses is refused here, in the same words."""

    file = forms.FileField(label="Image", required=False, help_text="PNG, JPEG, WebP or SVG, for one of type image.")

    class Meta:
        model = WatermarkConfig
        fields = [name for name in _FIELDS if name != "file"]
        widgets = {
            "content": forms.Textarea(attrs={"rows": 2, "cols": 40}),
            "color_hex": forms.TextInput(attrs={"type": "color"}),
            "opacity": forms.NumberInput(attrs={"min": 0.01, "max": 1, "step": 0.01}),
        }
        labels = {"color_hex": "Colour", "rotation_deg": "Rotation, degrees", "content": "Text", "repeat_tile": "Tiled"}

    def clean(self) -> dict[str, Any]:
        """Ask the API's own serializer."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        kind = said.get("type") or self.instance.type
        said["fields"] = {}
        body = WatermarkRequestSerializer(data=asked_for(said, kind))
        if not body.is_valid():
            for name, faults in body.errors.items():
                self.add_error(name if name in self.fields else None, [str(fault) for fault in faults])
            return said
        said["fields"] = body.to_fields()
        has_image = said.get("file") or self.instance.image_id
        if kind == WatermarkType.TEXT and not said.get("content"):
            self.add_error("content", "A text watermark needs its text.")
        if kind == WatermarkType.IMAGE and not has_image:
            self.add_error("file", "An image watermark needs its image.")
        self._look_at_the_image(said)
        return said

    def _look_at_the_image(self, said: dict[str, Any]) -> None:
        team = said.get("team") or (self.instance.team if self.instance.team_id else None)
        if said.get("file") is None or team is None:
            return
        said["image"] = said["file"].read(MAX_ASSET_BYTES + 1)
        try:
            asset_content_type(said["image"], asset_type=AssetType.IMAGE, tenant=str(team.pk))
        except ServiceError as refusal:
            self.add_error("file", refusal.detail)


def asked_for(said: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return what the API would be sent for what a form says: nothing that the type cannot have."""
    others = {"content", "font_size"} if kind == WatermarkType.IMAGE else {"width_percent"}
    sent = {name: said.get(name) for name in _FIELDS if name not in {"team", "file", *others}}
    if not sent.get("content"):
        sent.pop("content", None)
    else:
        sent["content"] = str(sent["content"]).replace("\r\n", "\n")
    return {**sent, "type": kind, "pages": said.get("pages") or ""}


@admin.register(WatermarkConfig)
class WatermarkConfigAdmin(TeamScopedAdmin[WatermarkConfig]):
    """Watermarks of the user's teams."""

    view_scope = Scope.TEMPLATES_READ
    add_scope = change_scope = delete_scope = Scope.TEMPLATES_WRITE
    form = WatermarkForm
    list_display = ["name", "team", "type", "content", "opacity", "repeat_tile", "position", "updated_at"]
    list_filter = [TeamFilter, "type"]
    list_select_related = ["team"]
    search_fields = ["name", "content"]

    def get_fields(self, request: HttpRequest, obj: WatermarkConfig | None = None) -> list[Any]:
        """Show the id that requests name, and the image of those who only look."""
        if not self.has_change_permission(request, obj):
            return ["external_id", *(name for name in _FIELDS if name != "file")]
        return ["external_id", *_FIELDS] if obj else _FIELDS

    def get_readonly_fields(self, request: HttpRequest, obj: WatermarkConfig | None = None) -> list[str]:
        """Keep whose it is and of which type."""
        return ["external_id", "team", "type"] if obj else []

    def save_model(self, request: HttpRequest, obj: WatermarkConfig, form: Any, change: bool) -> None:
        """Have the services do it."""
        said = form.cleaned_data
        if change:
            watermark_update(watermark=obj, fields=said["fields"], image=said.get("image"), actor=actor_of(request))
            return
        made = watermark_create(
            team=said["team"],
            kind=WatermarkType(said["type"]),
            fields=said["fields"],
            image=said.get("image"),
            actor=actor_of(request),
        )
        obj.pk = made.pk

    def delete_model(self, request: HttpRequest, obj: WatermarkConfig) -> None:
        """Have the service do it."""
        watermark_delete(watermark=obj, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WatermarkConfig]) -> None:
        """Delete each."""
        for watermark in rights_of(request).narrow(queryset, "team", Scope.TEMPLATES_WRITE):
            self.delete_model(request, watermark)

    def get_urls(self) -> list[Any]:
        """Add the picture."""
        view = self.admin_site.admin_view(picture)
        mine = path("picture/", view, name="templates_app_watermarkconfig_picture")
        return [mine, *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Offer the team's templates as a ground for the picture."""
        versions = rights_of(request).narrow(TemplateVersion.objects.all(), "template__team", Scope.TEMPLATES_WRITE)
        grounds = versions.filter(active_for__isnull=False).order_by("template__name").select_related("template")
        more = {"grounds": grounds.only("pk", "template__name", "template__team")}
        return super().changeform_view(request, object_id, form_url, {**more, **(extra_context or {})})


@require_POST
@editor_endpoint
def picture(request: HttpRequest) -> HttpResponse:
    """Return a picture of what the form says."""
    rights = rights_of(request)
    if not rights.may(Scope.TEMPLATES_WRITE):
        raise ServiceError(403, "forbidden", "This needs the scope templates:write.")
    said = request.POST.dict()
    stored = _mine(_writable(request), said, "stored")
    team = (
        stored.team if stored else _mine(rights.narrow(Team.objects.all(), "pk", Scope.TEMPLATES_WRITE), said, "team")
    )
    if team is None:
        raise ServiceError(400, "invalid_request", "Choose a team.")
    versions = TemplateVersion.objects.for_team(team).select_related("template__team")
    body = WatermarkRequestSerializer(data=_picture_fields(said, stored))
    body.is_valid(raise_exception=True)
    file = request.FILES.get("file")
    shown = watermark_preview(
        team=team,
        fields=body.to_fields(),
        stored=stored,
        image=file.read(MAX_ASSET_BYTES + 1) if file else None,
        version=_mine(versions, said, "ground"),
        sitting=f"{request.user.pk}:{str(said.get('sitting', ''))[:60]}",
    )
    return JsonResponse({"picture": f"data:image/png;base64,{b64encode(shown).decode()}"})


def _writable(request: HttpRequest) -> QuerySet[WatermarkConfig]:
    rows = WatermarkConfig.objects.select_related("image", "team")
    return rights_of(request).narrow(rows, "team", Scope.TEMPLATES_WRITE)


def _mine(rows: QuerySet[Any], said: dict[str, Any], name: str) -> Any:
    """Return the row that the form names, None where it names none; raise ServiceError (404) for a stranger's."""
    text = str(said.get(name) or "")
    if not text:
        return None
    found = rows.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 18 else None
    if found is None:
        raise ServiceError(404, "not_found", f"There is no such {name}.")
    return found


def _picture_fields(said: dict[str, Any], stored: WatermarkConfig | None) -> dict[str, Any]:
    """Return what the API would be sent; a form that is half filled is looked at too."""
    kind = stored.type if stored else str(said.get("type") or "")
    numbers = {name: said.get(name) or None for name in ("font_size", "width_percent")}
    sent = asked_for({**said, **numbers, "repeat_tile": "repeat_tile" in said}, kind)
    return {**sent, "name": said.get("name") or "unnamed"}
