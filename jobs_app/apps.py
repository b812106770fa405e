from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background work: the state machine, the queue, workers and maintenance."""

    name = "jobs_app"
    verbose_name = "Jobs"

    def ready(self) -> None:
        """Register the system checks, and hear of events that webhooks are told of."""
        from jobs_app import checks  # noqa: F401  # importing registers them
        from jobs_app.alerts import checks as checks_of_alerts  # noqa: F401
        from jobs_app.webhooks import recording

        recording.start()
