"""Every address of the service."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from pdfservice.health import healthz, readyz
from pdfservice.lib.rate_limits import StrangerThrottle

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="api-docs"), name="home"),
    path("favicon.ico", RedirectView.as_view(url=static("pdfservice/icon.svg"), permanent=False)),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("api/schema/", SpectacularAPIView.as_view(throttle_classes=[StrangerThrottle]), name="api-schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("admin/", admin.site.urls),
    path("", include("jobs_app.urls")),
    path("", include("templates_app.urls")),
    path("", include("downloads_app.urls")),
]

handler400 = "pdfservice.error_pages.bad_request"
handler403 = "pdfservice.error_pages.forbidden"
handler404 = "pdfservice.error_pages.not_found"
handler500 = "pdfservice.error_pages.server_error"
