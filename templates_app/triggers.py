"""What the database itself refuses about templates: the views refuse it too, with a kinder sentence."""

from pdfservice.lib.triggers import Trigger

_FROZEN_COLUMNS = (
    "template_id",
    "version",
    "language",
    "engine",
    "html_source",
    "css_source",
    "payload_schema",
    "sample_payload",
    "resource_policy",
    "title",
    "content_hash",
    "published_at",
)
# IS DISTINCT FROM is PostgreSQL's; SQLite has known it since 3.39, Debian 12 ships 3.40. JSON has no equality in
# PostgreSQL's json type, but Django's JSONField is jsonb there and text on SQLite.
_CHANGED = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _FROZEN_COLUMNS)
_PARENT_IS_FROZEN = (
    "EXISTS (SELECT 1 FROM templates_app_templateversion v WHERE v.id = {row}.version_id AND v.status <> 'draft')"
)

TRIGGERS = [
    Trigger(
        name="version_frozen",
        table="templates_app_templateversion",
        event="UPDATE",
        refuse_when=f"OLD.status <> 'draft' AND (NEW.status = 'draft' OR {_CHANGED})",
        message="A published version never changes; make a draft of it.",
    ),
    Trigger(
        name="asset_frozen_new",
        table="templates_app_templateasset",
        event="INSERT OR UPDATE",
        refuse_when=_PARENT_IS_FROZEN.format(row="NEW"),
        message="The assets of a published version never change; make a draft of it.",
    ),
    Trigger(
        name="asset_frozen_old",
        table="templates_app_templateasset",
        event="UPDATE OR DELETE",
        refuse_when=_PARENT_IS_FROZEN.format(row="OLD"),
        message="The assets of a published version never change; make a draft of it.",
    ),
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
