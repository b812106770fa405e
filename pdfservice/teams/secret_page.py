"""The page that shows a secret once. It is the answer to the form that made it, and is stored nowhere on the way."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse


def secret_page(
    page: admin.ModelAdmin[Any], request: HttpRequest, *, title: str, what: str, secret: str
) -> TemplateResponse:
    """Return the page; no cache keeps it."""
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": title,
        "what": what,
        "secret": secret,
        "back_url": reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist"),
    }
    headers = {"Cache-Control": "no-store"}
    return TemplateResponse(request, "admin/teams/secret.html", context, headers=headers)
