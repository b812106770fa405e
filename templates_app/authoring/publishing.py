"""A version's way: draft ► published ► retired, and which one is active. Publishing is the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from django.db import transaction
from django.utils import timezone

from pdfservice.lib.errors import Fault, ServiceError, conflict
from templates_app.authoring.drafts import draft_lock, version_get
from templates_app.authoring.gate import version_findings
from templates_app.authoring.records import record_version
from templates_app.content_hashes import row_hash, version_hash
from templates_app.models import Template, TemplateVersion, VersionStatus
from templates_app.renderer.findings import Finding, Severity, in_order

BREAKING = "schema_breaking"


def version_publish(*, version: TemplateVersion, activate: bool, allow_breaking: bool, actor: str) -> TemplateVersion:
    """Check a draft and publish it if no check finds an error; what they warn of is recorded with the version.

    `allow_breaking` turns refusals for the sake of the active version's callers into warnings, and is recorded.
    Raises ServiceError: 409 for a version that is no draft or changed meanwhile, 422 with all findings.
    """
    with transaction.atomic():
        draft_lock(version)
    version = version_get_again(version)
    checked, digest = row_hash(version), version_hash(version)
    findings = version_findings(version)
    insisted = [finding for finding in findings if allow_breaking and _breaks(finding)]
    if insisted:
        findings = in_order(replace(f, severity=Severity.WARNING) if _breaks(f) else f for f in findings)
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise _refused(findings)
    with transaction.atomic():
        _lock_template(version)
        draft_lock(version)
        if row_hash(version_get_again(version)) != checked:
            raise conflict("The draft was changed while it was checked; publish it again.", "changed_meanwhile")
        TemplateVersion.objects.drafts().filter(pk=version.pk).update(
            status=VersionStatus.PUBLISHED,
            published_at=timezone.now(),
            content_hash=digest,
            findings=[asdict(finding) for finding in findings],
        )
        record_version(
            version,
            "version.published",
            actor=actor,
            content_hash=digest,
            warnings=len(findings),
            allowed_breaking=[finding.message for finding in insisted],
        )
        if activate:
            _point_at(version, actor)
    return version_get_again(version)


def version_activate(*, version: TemplateVersion, actor: str) -> TemplateVersion:
    """Make a published version the one that jobs get which name none: an older one is a rollback.

    Raises ServiceError (409) for a draft or a retired version.
    """
    with transaction.atomic():
        _lock_template(version)
        _lock_published(version)
        _point_at(version, actor)
    return version_get_again(version)


def version_retire(*, version: TemplateVersion, actor: str) -> TemplateVersion:
    """Let a published version take no new jobs; those it has keep it. Raises ServiceError (409)."""
    with transaction.atomic():
        template = _lock_template(version)
        _lock_published(version)
        if template.active_version_id == version.pk:
            raise conflict("The active version cannot retire; activate another one first.", "version_active")
        TemplateVersion.objects.filter(pk=version.pk, status=VersionStatus.PUBLISHED).update(
            status=VersionStatus.RETIRED
        )
        record_version(version, "version.retired", actor=actor)
    return version_get_again(version)


def version_get_again(version: TemplateVersion) -> TemplateVersion:
    """Return the version as it is now."""
    return version_get(team=version.template.team, slug=version.template.slug, version=version.version)


def _breaks(finding: Finding) -> bool:
    return finding.code == BREAKING and finding.severity is Severity.ERROR


def _lock_template(version: TemplateVersion) -> Template:
    """Hold the template until the transaction ends: always before its versions, so that nobody waits in a circle."""
    return Template.objects.select_for_update().get(pk=version.template_id)


def _lock_published(version: TemplateVersion) -> None:
    # Ordered by itself: the models' order would lock the template and the team as well.
    rows = TemplateVersion.objects.select_for_update().filter(pk=version.pk).order_by("pk")
    status = rows.values_list("status", flat=True).first()
    if status != VersionStatus.PUBLISHED:
        raise conflict(f"Version {version.version} is {status}, not published.", "not_published")


def _point_at(version: TemplateVersion, actor: str) -> None:
    template = _lock_template(version)
    if template.active_version_id != version.pk:
        before = template.active_version.version if template.active_version else None
        Template.objects.filter(pk=template.pk).update(active_version=version)
        record_version(version, "version.activated", actor=actor, instead_of=before)


def _refused(findings: Sequence[Finding]) -> ServiceError:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    return ServiceError(
        422,
        "publish_refused",
        f"The version has {len(errors)} error{'s' * (len(errors) != 1)}; see findings.",
        [Fault(f"/{finding.file}", finding.message) for finding in errors],
        members={"findings": [asdict(finding) for finding in findings]},
    )
