"""What the database itself refuses about templates: the views refuse it too, with a kinder sentence."""

from pdfservice.lib.triggers import Trigger

_FROZEN_COLUMNS = (
    "template_id",
    "version",
    "language",
    "engine",
    "html_source",
    "css_source",
    "html_source_key",
    "css_source_key",
    "payload_schema",
    "sample_payload",
    "trusted_fields",
    "locale",
    "timezone",
    "resource_policy",
    "title",
    "findings",
    "content_hash",
    "published_at",
)
# IS DISTINCT FROM is PostgreSQL's; SQLite has known it since 3.39, Debian 12 ships 3.40. JSON has no equality in
# PostgreSQL's json type, but Django's JSONField is jsonb there and text on SQLite.
_CHANGED = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _FROZEN_COLUMNS)
_PARENT_IS_FROZEN = (
    "EXISTS (SELECT 1 FROM templates_app_templateversion v WHERE v.id = {row}.version_id AND v.status <> 'draft')"
)


def _frozen_children(kind: str) -> list[Trigger]:
    message = f"The {kind}s of a published version never change; make a draft of it."
    return [
        Trigger(
            name=f"{kind}_frozen_{row.lower()}",
            table=f"templates_app_template{kind}",
            event=event,
            refuse_when=_PARENT_IS_FROZEN.format(row=row),
            message=message,
        )
        for row, event in (("NEW", "INSERT OR UPDATE"), ("OLD", "UPDATE OR DELETE"))
    ]


TRIGGERS = [
    Trigger(
        name="version_frozen",
        table="templates_app_templateversion",
        event="UPDATE",
        refuse_when=f"OLD.status <> 'draft' AND (NEW.status = 'draft' OR {_CHANGED})",
        message="A published version never changes; make a draft of it.",
    ),
    Trigger(
        name="version_retired_for_good",
        table="templates_app_templateversion",
        event="UPDATE",
        refuse_when="OLD.status = 'retired' AND NEW.status <> 'retired'",
        message="A retired version stays retired; make a draft of it.",
    ),
    Trigger(
        name="version_active_not_retired",
        table="templates_app_templateversion",
        event="UPDATE",
        refuse_when=(
            "NEW.status = 'retired' AND EXISTS "
            "(SELECT 1 FROM templates_app_template t WHERE t.active_version_id = NEW.id)"
        ),
        message="The active version cannot retire; activate another one first.",
    ),
    *_frozen_children("asset"),
    *_frozen_children("partial"),
    Trigger(
        name="active_version_own",
        table="templates_app_template",
        event="INSERT OR UPDATE",
        refuse_when=(
            "NEW.active_version_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM templates_app_templateversion v "
            "WHERE v.id = NEW.active_version_id AND v.template_id = NEW.id AND v.status = 'published')"
        ),
        message="The active version must be a published version of the same template.",
    ),
]
