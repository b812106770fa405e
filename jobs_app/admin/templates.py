"""The list of templates with what their jobs did lately: a figure of this app on a page of a lower one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from jobs_app.models import Job
from jobs_app.states import Status
from templates_app.admin.templates import TemplateAdmin
from templates_app.models import Template

_WINDOW = timedelta(days=7)
# What was cancelled says nothing about a template.
_ENDED = (Status.DONE, Status.EXPIRED, Status.FAILED)

admin.site.unregister(Template)


@admin.register(Template)
class TemplateAdminWithJobs(TemplateAdmin):
    """Templates with the jobs of the last seven days and how many of those that ended failed."""

    list_display = [*TemplateAdmin.list_display, "jobs_lately", "failure_rate"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        """Add the figures."""
        return (
            super()
            .get_queryset(request)
            .annotate(
                jobs_7d=_count(Q()),
                ended_7d=_count(Q(status__in=_ENDED)),
                failed_7d=_count(Q(status=Status.FAILED)),
            )
        )

    @admin.display(description="Jobs, 7 d", ordering="jobs_7d")
    def jobs_lately(self, template: Any) -> int:
        """Return how many jobs were asked for."""
        return int(template.jobs_7d)

    @admin.display(description="Failed", ordering="failed_7d", empty_value="-")
    def failure_rate(self, template: Any) -> str | None:
        """Return the share that failed of those that ended."""
        if not template.ended_7d:
            return None
        share = template.failed_7d / template.ended_7d
        return f"{share:.1%}" if share else "0 %"


def _count(which: Q) -> Coalesce:
    jobs = Job.objects.filter(which, queued_at__gte=timezone.now() - _WINDOW)
    of_template = jobs.filter(template_version__template=OuterRef("pk")).order_by()
    counted = of_template.values("template_version__template").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())
