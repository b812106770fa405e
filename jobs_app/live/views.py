"""The pages of the dashboard."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.mixins import AccessMixin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views import View

from downloads_app.streaming import file_response
from jobs_app.live.access import ALL, Access, access_to, role_name
from jobs_app.live.first_paint import first_paint
from jobs_app.live.job_page import job_of, job_page
from jobs_app.live.pictures import first_page_response
from pdfservice.lib.errors import ServiceError, not_found
from pdfservice.lib.pages import page_of
from pdfservice.lib.problems import as_service_error
from pdfservice.teams.models import User

# A burst of browsers must not be cached anywhere: what is shown belongs to one team.
_PRIVATE = "private, no-store"


class SignIn(LoginView):
    """The way in for members, whether they may enter the admin or not."""

    template_name = "jobs_app/sign_in.html"
    redirect_authenticated_user = False

    def get_default_redirect_url(self) -> str:
        """Return where to go when nobody said."""
        return reverse("dashboard")


class SignOut(LogoutView):
    """The way out."""

    next_page = "dashboard"


class MemberPage(AccessMixin, View):
    """A page for people who are signed in; what a service refuses is shown as a page."""

    http_method_names = ["get", "head"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, or send whoever is not signed in to the door."""
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        try:
            response = super().dispatch(request, *args, **kwargs)
        except Exception as error:
            known = as_service_error(error)
            if known is None:
                raise
            response = page_of(request, known)
        response.setdefault("Cache-Control", _PRIVATE)
        return response

    def get_login_url(self) -> str:
        """Return the door."""
        return reverse("dashboard-sign-in")

    @property
    def user(self) -> User:
        """Who looks."""
        return cast("User", self.request.user)


class DashboardPage(MemberPage):
    """The dashboard of a team, with the numbers of this moment."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it."""
        access = access_to(self.user, request.GET.get("team", ""))
        painted = first_paint(access)
        context = {"access": access, "painted": painted, "start": painted.start(access), **_frame(access)}
        return render(request, "jobs_app/dashboard.html", context)


class JobPage(MemberPage):
    """One job."""

    def get(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """Show it."""
        access, job = _seen(self.user, job_id)
        start = {"team": access.slug, "job": str(job_id), "may_write": access.may_write, "may_link": access.may_link}
        context = {"access": access, "page": job_page(access, job), "job": job, "start": start, **_frame(access)}
        return render(request, "jobs_app/job.html", context)


class JobPicture(MemberPage):
    """The first page of what a job made, as a picture."""

    def get(self, request: HttpRequest, job_id: UUID) -> HttpResponseBase:
        """Answer a PNG that a confined process made: 404 where there is nothing to see."""
        _, job = _seen(self.user, job_id)
        return first_page_response(request, job)


class JobDocument(MemberPage):
    """What a job made, for whoever looks at its page: the API asks members for a team, a link in a page cannot."""

    def get(self, request: HttpRequest, job_id: UUID) -> HttpResponseBase:
        """Answer the document as a download."""
        _, job = _seen(self.user, job_id)
        if job.output is None:
            raise not_found("document")
        return file_response(request, job.output)


def _seen(user: User, job_id: UUID) -> tuple[Access, Any]:
    """Return the job, and this person in its team; raise ServiceError (404)."""
    try:
        everything = access_to(user, ALL if user.is_superuser else "")
    except ServiceError as error:
        raise not_found("job") from error
    job = job_of(everything, job_id)
    return access_to(user, job.team.slug), job


def _frame(access: Access) -> dict[str, Any]:
    return {"all_teams": ALL, "role": role_name(access), "public_url": settings.PUBLIC_URL}
