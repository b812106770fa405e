"""Jobs and batches in the admin, and the figures of jobs on the page of templates."""

from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

# Its pages run any dotted path that a staff user types, and show signed pickles.
for model in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(model):
        admin.site.unregister(model)

from jobs_app.admin import batches, jobs, templates, webhooks  # noqa: E402  # after the others are gone

__all__ = ["batches", "jobs", "templates", "webhooks"]
