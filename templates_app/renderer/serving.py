"""A child's life after its confinement: read a spec or a task, answer it, forget it, until the parent hangs up."""

from __future__ import annotations

import gc
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from templates_app.renderer.contracts import ErrorCode, MergeSpec, RenderedDocument, RenderError, RenderSpec
from templates_app.renderer.frames import Channel, FrameClosed
from templates_app.renderer.resending import FILES, Kept
from templates_app.renderer.tasks import Tasks
from templates_app.renderer.wire import MAX_LOG_CHARS, REQUEST_BOUNDS, pack_document, pack_error, unpack_request

Answer = Callable[[RenderSpec | MergeSpec], RenderedDocument]

STDERR_FD = 2
REQUEST_FD = 200
REPLY_FD = 201
UNCONFINED_STATUS = 71
OUT_OF_MEMORY_STATUS = 75


@dataclass(frozen=True, slots=True)
class Skills:
    """What a program's children can do."""

    answer: Answer
    tasks: Tasks


def serve(skills: Skills, *, output_mb: int) -> None:
    """Answer one request after the other; return when the parent hangs up, exit with status 75 when memory ran out."""
    channel, kept = Channel(REQUEST_FD, REPLY_FD), Kept()
    channel.send({"ready": os.getpid()})
    while True:
        try:
            header, blobs = channel.receive(REQUEST_BOUNDS)
            blobs = kept.unpack(header.pop(FILES), blobs)
            header, blobs = _reply(skills, header, blobs, output_mb)
            channel.send(header, blobs)
        except FrameClosed:
            return
        except MemoryError:
            # The request itself, or a reply beside it, is more than a document may use.
            os._exit(OUT_OF_MEMORY_STATUS)
        if header.get("error") == ErrorCode.RENDER_MEMORY:
            os._exit(OUT_OF_MEMORY_STATUS)
        _forget()


def _reply(
    skills: Skills, header: dict[str, Any], blobs: list[bytes], output_mb: int
) -> tuple[dict[str, Any], list[bytes]]:
    os.ftruncate(STDERR_FD, 0)
    try:
        if "task" in header:
            result, results = skills.tasks[header["task"]](header["arguments"], blobs)
            reply = {"result": result}, results
        else:
            reply = pack_document(skills.answer(unpack_request(header, blobs)))
    except RenderError as error:
        return pack_error(error)
    except MemoryError:
        return pack_error(RenderError(ErrorCode.RENDER_MEMORY, "the document needs too much memory", permanent=False))
    except Exception as error:
        message = f"the renderer failed: {type(error).__name__}: {error}"
        log = traceback.format_exc()[-MAX_LOG_CHARS:]
        return pack_error(RenderError(ErrorCode.RENDER_CRASH, message, permanent=False, log=log))
    size = sum(map(len, reply[1]))
    if size > output_mb << 20:
        message = f"the PDF has {size >> 20} MiB, more than the {output_mb} MiB allowed"
        return pack_error(RenderError(ErrorCode.TOO_LARGE, message, permanent=True))
    return reply


def _forget() -> None:
    # WeasyPrint's engine switches collection off while it works (a fifth faster); the parent has its reply already.
    if not gc.isenabled():
        gc.enable()
        gc.collect()
