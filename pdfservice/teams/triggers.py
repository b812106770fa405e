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
]
