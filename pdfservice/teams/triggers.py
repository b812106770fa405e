"""What the database itself refuses about teams."""

from pdfservice.lib.triggers import Trigger

TRIGGERS = [
    Trigger(
        name="audit_event_append_only",
        table="teams_auditevent",
        event="UPDATE",
        refuse_when="1 = 1",
        message="An audit event is never changed.",
    ),
    Trigger(
        name="audit_event_kept",
        table="teams_auditevent",
        event="DELETE",
        refuse_when="NOT EXISTS (SELECT 1 FROM teams_auditpruning door WHERE OLD.at < door.before)",
        message="An audit event is never deleted; the archive alone prunes old ones.",
    ),
]
