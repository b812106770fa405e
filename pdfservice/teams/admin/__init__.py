"""Teams, people, keys and the audit log in the admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from pdfservice.teams.admin import audit_events, keys, members, teams
from pdfservice.teams.models import User

admin.site.register(User, UserAdmin)  # superusers alone: a login is nobody's team's
admin.site.site_header = admin.site.site_title = "PDF service"
admin.site.index_title = "Templates, documents and teams"

__all__ = ["audit_events", "keys", "members", "teams"]
