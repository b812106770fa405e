"""Cursor pages: stable while rows are added, and as fast on the thousandth page as on the first."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """50 a page, `?page_size=` up to 500; the answer is `{"next", "previous", "results"}`."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
