from django.apps import AppConfig


class TemplatesConfig(AppConfig):
    """Templates and their immutable versions, and the renderer."""

    name = "templates_app"
    verbose_name = "Templates"

    def ready(self) -> None:
        """Install the triggers after every migrate and register the system checks."""
        from pdfservice.lib.triggers import keep_installed
        from templates_app import checks  # noqa: F401  # importing registers them
        from templates_app.triggers import TRIGGERS

        keep_installed(self, TRIGGERS)
