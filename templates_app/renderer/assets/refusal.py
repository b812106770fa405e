"""Why a file is not taken."""


class AssetRefused(Exception):
    """This file is not to be used; the message is for its author."""
