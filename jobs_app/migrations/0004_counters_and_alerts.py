from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("downloads_app", "0001_initial"),
        ("jobs_app", "0003_finished_jobs_by_time"),
        ("teams", "0002_limits_of_a_team"),
        ("templates_app", "0001_templates_versions_and_assets"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=30)),
                ("channel", models.CharField(max_length=20)),
                ("raised_at", models.DateTimeField(null=True)),
                ("subject", models.CharField(blank=True, max_length=200)),
                ("text", models.TextField(blank=True)),
                ("next_try_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Counter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("labels", models.CharField(max_length=200)),
                ("value", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="FoldMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("log", models.CharField(max_length=30, unique=True)),
                ("folded_to", models.BigIntegerField(default=0)),
                ("next_to", models.BigIntegerField(default=0)),
                ("seen_at", models.DateTimeField()),
            ],
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("run_at", None), ("status", "queued")),
                fields=["due_since"],
                name="job_waits_longest",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("status", "failed")), fields=["finished_at"], name="job_dead_letters"
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(fields=("kind", "channel"), name="alert_once_per_channel"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("raised_at", None), ("next_try_at__isnull", False), _connector="OR"),
                name="alert_raised_is_tried",
            ),
        ),
        migrations.AddConstraint(
            model_name="counter",
            constraint=models.UniqueConstraint(fields=("name", "labels"), name="counter_once_per_labels"),
        ),
    ]
