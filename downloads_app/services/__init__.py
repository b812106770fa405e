"""What may be done with files and their links; nothing else writes their rows."""

from downloads_app.services.files import (
    file_confirm,
    file_confirming,
    file_discard,
    file_open,
    file_reserve,
    files_expire,
    files_forget,
    files_sweep,
)
from downloads_app.services.links import link_create, link_revoke
from downloads_app.services.previews import preview_read, preview_store
from downloads_app.services.redemption import Redemption, link_peek, link_redeem, link_resume

__all__ = [
    "Redemption",
    "file_confirm",
    "file_confirming",
    "file_discard",
    "file_open",
    "file_reserve",
    "files_expire",
    "files_forget",
    "files_sweep",
    "link_create",
    "link_peek",
    "link_redeem",
    "link_resume",
    "link_revoke",
    "preview_read",
    "preview_store",
]
