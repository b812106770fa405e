from django.apps import AppConfig


class TeamsConfig(AppConfig):
    """Who may do what: teams, people, keys, and the record of what happened."""

    name = "pdfservice.teams"
    verbose_name = "Teams"

    def ready(self) -> None:
        """Install the triggers after every migrate; see pdfservice.lib.triggers."""
        from pdfservice.lib.triggers import keep_installed
        from pdfservice.teams.triggers import TRIGGERS

        keep_installed(self, TRIGGERS)
