"""The addresses of the jobs API and of the dashboard."""

from django.urls import path

from jobs_app.api.batches import (
    BatchCancelView,
    BatchFileView,
    BatchItemsView,
    BatchListView,
    BatchRetryView,
    BatchView,
)
from jobs_app.api.jobs import JobEventsView, JobFileView, JobListView, JobView
from jobs_app.api.links import JobLinksView
from jobs_app.api.steering import JobAttemptsView, JobCancelView, JobRetryView, JobsRetryView
from jobs_app.api.submissions import GenerateView
from jobs_app.api.webhooks import (
    DeliveryListView,
    DeliveryReplayView,
    WebhookListView,
    WebhookSecretView,
    WebhookTestView,
    WebhookView,
)
from jobs_app.live.views import DashboardPage, JobDocument, JobPage, JobPicture, SignIn, SignOut
from jobs_app.metrics.views import metrics

urlpatterns = [
    path("dashboard/", DashboardPage.as_view(), name="dashboard"),
    path("dashboard/sign-in/", SignIn.as_view(), name="dashboard-sign-in"),
    path("dashboard/sign-out/", SignOut.as_view(), name="dashboard-sign-out"),
    path("dashboard/jobs/<uuid:job_id>", JobPage.as_view(), name="dashboard-job"),
    path("dashboard/jobs/<uuid:job_id>/first-page.png", JobPicture.as_view(), name="dashboard-picture"),
    path("dashboard/jobs/<uuid:job_id>/document", JobDocument.as_view(), name="dashboard-document"),
    path("metrics", metrics, name="metrics"),
    path("pdf/generate", GenerateView.as_view(), name="generate"),
    path("pdf/jobs", JobListView.as_view(), name="jobs"),
    path("pdf/jobs/retry", JobsRetryView.as_view(), name="jobs-retry"),
    path("pdf/jobs/<uuid:job_id>", JobView.as_view(), name="job"),
    path("pdf/jobs/<uuid:job_id>/file", JobFileView.as_view(), name="job-file"),
    path("pdf/jobs/<uuid:job_id>/events", JobEventsView.as_view(), name="job-events"),
    path("pdf/jobs/<uuid:job_id>/attempts", JobAttemptsView.as_view(), name="job-attempts"),
    path("pdf/jobs/<uuid:job_id>/cancel", JobCancelView.as_view(), name="job-cancel"),
    path("pdf/jobs/<uuid:job_id>/retry", JobRetryView.as_view(), name="job-retry"),
    path("pdf/jobs/<uuid:job_id>/links", JobLinksView.as_view(), name="job-links"),
    path("pdf/batches", BatchListView.as_view(), name="batches"),
    path("pdf/batches/<uuid:batch_id>", BatchView.as_view(), name="batch"),
    path("pdf/batches/<uuid:batch_id>/items", BatchItemsView.as_view(), name="batch-items"),
    path("pdf/batches/<uuid:batch_id>/file", BatchFileView.as_view(), name="batch-file"),
    path("pdf/batches/<uuid:batch_id>/cancel", BatchCancelView.as_view(), name="batch-cancel"),
    path("pdf/batches/<uuid:batch_id>/retry-failed", BatchRetryView.as_view(), name="batch-retry-failed"),
    path("pdf/webhooks", WebhookListView.as_view(), name="webhooks"),
    path("pdf/webhooks/<uuid:webhook_id>", WebhookView.as_view(), name="webhook"),
    path("pdf/webhooks/<uuid:webhook_id>/rotate-secret", WebhookSecretView.as_view(), name="webhook-secret"),
    path("pdf/webhooks/<uuid:webhook_id>/test", WebhookTestView.as_view(), name="webhook-test"),
    path("pdf/webhooks/<uuid:webhook_id>/deliveries", DeliveryListView.as_view(), name="webhook-deliveries"),
    path(
        "pdf/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay",
        DeliveryReplayView.as_view(),
        name="webhook-replay",
    ),
]
