"""Actions on a selection that cannot be taken back: a page asks first, as Django's own deletion does."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse


def question(
    page: admin.ModelAdmin[Any], request: HttpRequest, rows: QuerySet[Any], *, action: str, ask: str, button: str
) -> TemplateResponse | None:
    """Return the page that asks, None once it has been answered."""
    if request.POST.get("confirmed"):
        return None
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": button,
        "rows": rows,
        "ask": ask,
        "action": action,
        "button": button,
        "checkbox_name": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/teams/question.html", context)
