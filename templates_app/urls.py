"""The addresses of the templates API."""

from django.urls import path

from templates_app.api.brand import BrandView, LogoView
from templates_app.api.parts import AssetListView, AssetView, PartialListView, PartialView
from templates_app.api.steps import ActivateView, PreviewView, PublishView, RetireView
from templates_app.api.templates import TemplateListView, TemplateView
from templates_app.api.versions import VersionListView, VersionView
from templates_app.api.watermarks import WatermarkListView, WatermarkView

_VERSION = "pdf/templates/<slug:slug>/versions/<int:version>"

urlpatterns = [
    path("pdf/brand", BrandView.as_view(), name="brand"),
    path("pdf/brand/logo", LogoView.as_view(), name="brand-logo"),
    path("pdf/watermarks", WatermarkListView.as_view(), name="watermarks"),
    path("pdf/watermarks/<uuid:watermark_id>", WatermarkView.as_view(), name="watermark"),
    path("pdf/templates", TemplateListView.as_view(), name="templates"),
    path("pdf/templates/<slug:slug>", TemplateView.as_view(), name="template"),
    path("pdf/templates/<slug:slug>/versions", VersionListView.as_view(), name="versions"),
    path(_VERSION, VersionView.as_view(), name="version"),
    path(f"{_VERSION}/publish", PublishView.as_view(), name="version-publish"),
    path(f"{_VERSION}/activate", ActivateView.as_view(), name="version-activate"),
    path(f"{_VERSION}/retire", RetireView.as_view(), name="version-retire"),
    path(f"{_VERSION}/preview", PreviewView.as_view(), name="version-preview"),
    path(f"{_VERSION}/assets", AssetListView.as_view(), name="version-assets"),
    path(f"{_VERSION}/assets/<str:name>", AssetView.as_view(), name="version-asset"),
    path(f"{_VERSION}/partials", PartialListView.as_view(), name="version-partials"),
    path(f"{_VERSION}/partials/<str:name>", PartialView.as_view(), name="version-partial"),
]
