"""The admin's border between teams: who sees a row, and who may change it, hangs on memberships and nothing else.

Django's permission tables have no say over what belongs to a team. A member gets into the admin by being staff
(`pdfservice/teams/members.py` sees to it), sees the rows of their own teams, and may do with them what their role may
over the API. Superusers see and may do everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from django.contrib import admin
from django.db.models import ForeignKey, Model, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest

from pdfservice.teams.models import Membership, Team, User
from pdfservice.teams.scopes import ROLE_SCOPES, Scope

Row = TypeVar("Row", bound=Model)


class Rights:
    """What the user of a request may do, and in which teams."""

    def __init__(self, user: Any) -> None:
        self.everywhere = bool(user.is_active and getattr(user, "is_superuser", False))
        self._scopes: dict[int, frozenset[Scope]] = {}
        if isinstance(user, User) and user.is_active and user.is_staff and not self.everywhere:
            rows = Membership.objects.filter(user=user).values_list("team_id", "role")
            self._scopes = {team_id: ROLE_SCOPES[role] for team_id, role in rows}

    def teams_with(self, scope: Scope) -> frozenset[int]:
        """Return the ids of the teams in which the user has `scope` as a member."""
        return frozenset(team_id for team_id, scopes in self._scopes.items() if scope in scopes)

    def may(self, scope: Scope | None, team_id: int | None = None) -> bool:
        """Say whether the user has `scope` in that team, or for None in any; nobody has the scope None."""
        if scope is None:
            return False
        if self.everywhere:
            return True
        teams = self.teams_with(scope)
        return bool(teams) if team_id is None else team_id in teams

    def narrow(self, rows: QuerySet[Row], team_path: str, scope: Scope) -> QuerySet[Row]:
        """Return those of `rows` that lie in teams where the user has `scope`."""
        return rows if self.everywhere else rows.filter(**{f"{team_path}__in": self.teams_with(scope)})


def rights_of(request: HttpRequest) -> Rights:
    """Return the rights of who sent the request, read once a request."""
    rights: Rights | None = getattr(request, "_team_rights", None)
    if rights is None:
        rights = Rights(request.user)
        request._team_rights = rights  # type: ignore[attr-defined]  # where Django keeps such things too
    return rights


def actor_of(request: HttpRequest) -> str:
    """Return how the audit log names who sent the request."""
    return f"user:{request.user.get_username()}"


class TeamScopedAdmin(admin.ModelAdmin[Row]):
    """Shows the rows of the user's teams. A scope that is None is for nobody: such a page is read-only."""

    # The lookup from a row to its team.
    team_path: ClassVar[str] = "team"
    view_scope: ClassVar[Scope] = Scope.TEAM_ADMIN
    add_scope: ClassVar[Scope | None] = None
    change_scope: ClassVar[Scope | None] = None
    delete_scope: ClassVar[Scope | None] = None

    class Media:
        """What every list looks like."""

        css = {"all": ["pdfservice/admin_lists.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        """Return the rows of the teams whose rows of this kind the user may see."""
        return rights_of(request).narrow(super().get_queryset(request), self.team_path, self.view_scope)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Leave the team out where all rows are of one."""
        columns = super().get_list_display(request)
        rights = rights_of(request)
        if rights.everywhere or len(rights.teams_with(self.view_scope)) > 1:
            return columns
        return [column for column in columns if column != "team"]

    def team_id_of(self, row: Row | None) -> int | None:
        """Return whose row it is; None for none."""
        value: Any = row
        for name in self.team_path.split("__"):
            value = getattr(value, name, None)
        return value.pk if isinstance(value, Team) else value

    def may(self, request: HttpRequest, scope: Scope | None, row: Row | None = None) -> bool:
        """Say whether the user has `scope` over a row, or for None anywhere."""
        rights = rights_of(request)
        if row is None:
            return rights.may(scope)
        team_id = self.team_id_of(row)
        # What is no team's, such as an event of the service, is for superusers.
        return rights.everywhere and scope is not None if team_id is None else rights.may(scope, team_id)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the app to whoever may see rows of it."""
        return self.may(request, self.view_scope)

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Grant it by role."""
        return self.may(request, self.view_scope, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Grant it by role."""
        return self.may(request, self.add_scope)

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Grant it by role."""
        return self.may(request, self.change_scope, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Grant it by role."""
        return self.may(request, self.delete_scope, obj)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        """Offer the rows of the user's teams, and of teams those in which they may add or change such a row."""
        choices = kwargs.setdefault("queryset", self._choices(db_field.related_model, request))
        if db_field.related_model is Team and len(only := list(choices[:2])) == 1:
            kwargs.setdefault("initial", only[0])
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _choices(self, model: Any, request: HttpRequest) -> QuerySet[Any]:
        rights = rights_of(request)
        if model is Team:
            scope = self.add_scope or self.change_scope or self.view_scope
            return rights.narrow(Team.objects.all(), "pk", scope)
        known = self.admin_site._registry.get(model)
        if isinstance(known, TeamScopedAdmin):
            return known.get_queryset(request)
        every: QuerySet[Any] = model._default_manager.all()
        return every if rights.everywhere else every.none()


def short_id(field: str, description: str = "id") -> Callable[[Any], str]:
    """Return a column with the first eight characters of a UUID: they tell rows apart and leave room for the rest."""

    @admin.display(description=description, ordering=field)
    def shown(row: Any) -> str:
        return str(getattr(row, field) or "-")[:8]

    return shown


class LookOnlyInline(admin.TabularInline[Any, Any]):
    """Rows of something that the user sees already: shown with it, changed nowhere."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Grant it: who asks has been let in to the page."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False


class TeamFilter(admin.SimpleListFilter):
    """Narrows a list to one team; offers only those that the user is in, and nothing where that is one."""

    title = "team"
    parameter_name = "team"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: admin.ModelAdmin[Any]
    ) -> None:
        self._path = getattr(model_admin, "team_path", "team")
        super().__init__(request, params, model, model_admin)

    def has_output(self) -> bool:
        """Say whether there is something to choose."""
        return len(self.lookup_choices) > 1

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the teams."""
        teams = rights_of(request).narrow(Team.objects.all(), "pk", model_admin.view_scope)
        return list(teams.values_list("slug", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the team chosen."""
        if not self.value():
            return queryset
        lookup = "slug" if self._path == "pk" else f"{self._path}__slug"
        return queryset.filter(**{lookup: self.value()})
