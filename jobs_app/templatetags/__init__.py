"""Filters of the dashboard."""
