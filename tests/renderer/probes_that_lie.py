"""Probes whose children greet their parent wrongly: how is said by the one variable that a zygote is given."""

from __future__ import annotations

import os
import time
from typing import Any

from templates_app.renderer import frames
from tests.renderer.probes import PREFIX, answer

__all__ = ["answer", "warm"]

_GREETINGS = {
    "garbage": b"\xff" * 64,
    "gigabytes": PREFIX.pack(2**32 - 1, 0),
    "too many blobs": PREFIX.pack(2, 2**32 - 1) + b"{}",
    "a list": PREFIX.pack(2, 0) + b"[]",
    "silence": b"",
    "half": PREFIX.pack(200, 0)[:5],
}


def warm() -> None:
    """Have children say something else than they would."""
    lie = os.environ["LD_LIBRARY_PATH"].rpartition("/")[2]

    def send(channel: frames.Channel, *_: Any, **__: Any) -> None:
        if lie == "hang up":
            os._exit(0)
        os.write(channel.write_fd, _GREETINGS[lie])
        time.sleep(3600)

    frames.Channel.send = send  # type: ignore[method-assign,assignment]  # only in this test's zygote
