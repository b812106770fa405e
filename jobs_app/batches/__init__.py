"""Batches: many documents that one request asks for, from its acceptance to the file that holds them all."""
