"""Teams are told of what happens to their jobs, batches and links: signed posts to addresses of their own.

audit event ─► recording: a delivery for each endpoint that wants it, in the event's transaction
maintain ─► dispatcher: threads ─► delivering: claim (a lease), sending, settle ─► log, retry or disable
"""
