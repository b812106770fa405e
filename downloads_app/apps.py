from django.apps import AppConfig


class DownloadsConfig(AppConfig):
    """Files that we hold and the links that open them."""

    name = "downloads_app"
    verbose_name = "Downloads"

    def ready(self) -> None:
        """Register the system checks."""
        from downloads_app import checks  # noqa: F401
