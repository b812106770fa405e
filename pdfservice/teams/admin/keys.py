"""API keys: made, shown once, revoked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from pdfservice.teams.api_keys import api_key_create, api_key_revoke
from pdfservice.teams.confirmed_actions import question
from pdfservice.teams.models import ApiKey
from pdfservice.teams.scopes import PROGRAM_SCOPES, Scope
from pdfservice.teams.secret_page import secret_page
from pdfservice.teams.team_admin import TeamFilter, TeamScopedAdmin, actor_of, rights_of


class NewKeyForm(forms.ModelForm[ApiKey]):
    """A key to make."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, scope.value) for scope in Scope],
        initial=[scope.value for scope in PROGRAM_SCOPES],
        widget=forms.CheckboxSelectMultiple,
        help_text="What programs with this key may do. What is ticked makes and hands out documents.",
    )

    class Meta:
        model = ApiKey
        fields = ["team", "name", "expires_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(TeamScopedAdmin[ApiKey]):
    """Keys of the teams that one is an admin of. A key is made or revoked, never changed."""

    view_scope = add_scope = Scope.TEAM_ADMIN
    list_display = ["name", "team", "prefix", "scope_names", "expires_at", "last_used_at", "revoked_at"]
    list_filter = [TeamFilter, ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["team"]
    search_fields = ["name", "prefix"]
    actions = ["revoke"]

    @admin.display(description="Scopes")
    def scope_names(self, key: ApiKey) -> str:
        """Return what the key may do."""
        return ", ".join(key.scopes)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[Any]:
        """Show all but the hash of the secret."""
        if obj is None:
            return ["team", "name", "scopes", "expires_at"]
        return ["team", "name", "prefix", "scope_names", "created_at", "expires_at", "last_used_at", "revoked_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        """Keep it as it is."""
        return list(self.get_fields(request, obj)) if obj else []

    def get_form(
        self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[ApiKey]]:
        """Ask for what a new key needs."""
        if obj is None:
            kwargs["form"] = NewKeyForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key; its text goes to the answer and nowhere else."""
        said = form.cleaned_data
        key, text = api_key_create(
            team=said["team"],
            name=said["name"],
            scopes=[Scope(name) for name in said["scopes"]],
            expires_at=said["expires_at"],
            actor=actor_of(request),
        )
        obj.pk = key.pk
        request._key_text = text  # type: ignore[attr-defined]  # shown by response_add

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key once."""
        text: str = request._key_text  # type: ignore[attr-defined]  # from save_model
        return secret_page(self, request, title=f"The key {obj.name} is made", what="The API key", secret=text)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Grant it to the admins of a team."""
        return self.may(request, Scope.TEAM_ADMIN)

    @admin.action(description="Revoke keys for good", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask, revoke, and say how many that was."""
        keys = rights_of(request).narrow(queryset, "team", Scope.TEAM_ADMIN)
        ask = "Programs with these keys are refused from now on. That cannot be taken back."
        if (page := question(self, request, keys, action="revoke", ask=ask, button="Revoke")) is not None:
            return page
        revoked = sum(api_key_revoke(key=key, actor=actor_of(request)) for key in keys)
        self.message_user(request, f"{revoked} of {queryset.count()} keys were revoked.")
        return None
