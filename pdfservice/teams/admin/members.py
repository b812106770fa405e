"""Members and their roles, for the admins of a team."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from pdfservice.lib.errors import ServiceError
from pdfservice.teams.members import member_add, member_create, member_remove, member_set_role
from pdfservice.teams.models import Membership, User
from pdfservice.teams.scopes import Role, Scope
from pdfservice.teams.secret_page import secret_page
from pdfservice.teams.team_admin import TeamFilter, TeamScopedAdmin, actor_of, rights_of


class NewMemberForm(forms.ModelForm[Membership]):
    """Somebody to let in. Their password is made, and shown once."""

    username = forms.CharField(
        max_length=150, validators=[UnicodeUsernameValidator()], help_text="What they sign in as."
    )
    email = forms.EmailField(required=False)

    class Meta:
        model = Membership
        fields = ["team", "role"]

    def clean(self) -> dict[str, Any]:
        """Refuse a name that is taken; `may_add_known` lets a superuser add whoever has it."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        username = said.get("username", "")
        known = User.objects.filter(username__iexact=username).first()
        if known is None:
            return said
        if not getattr(self, "may_add_known", False):
            raise ValidationError(
                {"username": "This user name is taken. A superuser can let somebody with a login into another team."}
            )
        if Membership.objects.filter(user=known, team=said.get("team")).exists():
            raise ValidationError({"username": "They are in this team already."})
        return said


@admin.register(Membership)
class MembershipAdmin(TeamScopedAdmin[Membership]):
    """Who is in a team, and as what."""

    view_scope = add_scope = change_scope = delete_scope = Scope.TEAM_ADMIN
    list_display = ["user", "team", "role", "last_login"]
    list_filter = [TeamFilter, "role"]
    list_select_related = ["user", "team"]
    search_fields = ["user__username", "user__email"]

    @admin.display(description="Last sign-in", ordering="user__last_login", empty_value="never")
    def last_login(self, membership: Membership) -> Any:
        """Return when they last signed in."""
        return membership.user.last_login

    def get_form(
        self, request: HttpRequest, obj: Membership | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Membership]]:
        """Ask for a name where there is no member yet."""
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        form = super().get_form(request, obj, change, form=NewMemberForm, **kwargs)
        form.may_add_known = rights_of(request).everywhere  # type: ignore[attr-defined]  # a class of this request's own
        return form

    def get_fields(self, request: HttpRequest, obj: Membership | None = None) -> list[Any]:
        """Show who it is, or ask."""
        return ["user", "team", "role"] if obj else ["team", "username", "email", "role"]

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> list[str]:
        """Let the role alone change."""
        return ["user", "team"] if obj else []

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Have the services do it."""
        said, actor = form.cleaned_data, actor_of(request)
        role = Role(said["role"])
        if change:
            try:
                member_set_role(membership=obj, role=role, actor=actor)
            except ServiceError as refusal:
                request._refusal = refusal  # type: ignore[attr-defined]  # told by response_change
            return
        known = User.objects.filter(username__iexact=said["username"]).first()
        if known is not None:
            made = member_add(team=said["team"], user=known, role=role, actor=actor)
        else:
            made, password = member_create(
                team=said["team"], username=said["username"], email=said["email"], role=role, actor=actor
            )
            request._password = password  # type: ignore[attr-defined]  # shown by response_add, kept nowhere
        obj.pk, obj.user = made.pk, made.user

    def response_add(self, request: HttpRequest, obj: Membership, post_url_continue: str | None = None) -> HttpResponse:
        """Show the password once."""
        password = getattr(request, "_password", None)
        if password is None:
            return super().response_add(request, obj, post_url_continue)
        what = f"The password of {obj.user}"
        return secret_page(self, request, title=f"{obj.user} is in {obj.team}", what=what, secret=password)

    def response_change(self, request: HttpRequest, obj: Membership) -> HttpResponse:
        """Say why a role stayed as it was."""
        refusal: ServiceError | None = getattr(request, "_refusal", None)
        if refusal is None:
            return super().response_change(request, obj)
        self.message_user(request, refusal.detail, messages.ERROR)
        return HttpResponseRedirect(request.path)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """Have the service do it, which keeps an admin in the team."""
        try:
            member_remove(membership=obj, actor=actor_of(request))
        except ServiceError as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        """Take each out of the team."""
        for membership in rights_of(request).narrow(queryset, "team", Scope.TEAM_ADMIN):
            self.delete_model(request, membership)
