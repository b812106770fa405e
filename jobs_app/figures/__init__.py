"""What happened to jobs, by minute: counted from the audit log, kept for the last hours, shown on the dashboard."""
