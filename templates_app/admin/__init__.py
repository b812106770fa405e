"""Templates in the admin: lists, the steps of a version, the editor and the comparison. One file a page."""

from templates_app.admin import templates, versions, watermarks

__all__ = ["templates", "versions", "watermarks"]
