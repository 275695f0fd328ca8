"""The answers of this process's Fooocus to requests of others for its tools, as the content of messages."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image as PILImage

from ...db.writer import DatabaseUnavailable
from ...tasks.ports.engine import EngineUnavailable, ParameterError
from ...tasks.ports.prompts import Prompts
from ...tasks.ports.tools import MaskOptions, Picture, ToolFailed, Tools
from .prompts import EXPAND, RESOLVE, answer_about
from .threads import Turn

log = logging.getLogger("fooocus_api.cluster")

TIMEOUT_S = 300.0
"""Seconds that a node may take: a tool waits for its running task."""
QUICK_S = 10.0
"""Seconds that a node may take for a tool that needs no turn of its worker."""
LOOK = "look"
"""The name by which a node is asked to write what it offers."""


@dataclass(frozen=True)
class OwnTools:
    """The tools of the Fooocus in this process, its functions for prompts, and `look`, which has it write what it offers now
    and gets the seconds to wait for a look that runs."""

    tools: Tools
    prompts: Prompts
    look: Callable[[float], None]


def seconds_for(tool: str) -> float:
    """Return the seconds that a node may take for a tool."""
    return QUICK_S if tool in (RESOLVE, LOOK) else TIMEOUT_S


def answer_by(own: OwnTools, tool: str, options: dict[str, Any], image: Picture | None, turn: Turn) -> dict[str, Any]:
    """Return what a tool of this process answers, with its picture as `image` if it makes one. Blocking.

    Raises:
        ToolFailed, EngineUnavailable, ParameterError: as `Tools` and `Prompts` do.
        DatabaseUnavailable: what this process offers can't be written.
        FutureTimeout, TimeoutError: it has taken too long.
        CancelledError: as `Turn.result` does.
    """
    within_s = seconds_for(tool)
    if tool in (RESOLVE, EXPAND):
        return answer_about(own.prompts, tool, options, turn, within_s)
    if tool == LOOK:
        own.look(within_s)
        return {}
    if tool == "unload":
        return asdict(turn.result(own.tools.unload(), within_s))
    if image is None:
        raise ValueError(f"{tool} needs an image")
    if tool == "describe":
        return {"text": turn.result(own.tools.describe(image, options["kind"]), within_s)}
    return {"image": turn.result(own.tools.mask(image, MaskOptions(**options)), within_s)}


def content_of(error: Exception, tool: str) -> dict[str, Any]:
    """Return the answer in place of one that `answer_by` has not given. Log what it does not name."""
    if isinstance(error, ToolFailed):
        return {"error": {"type": error.error.type, "message": error.error.message}}
    if isinstance(error, ParameterError):
        return {"refused": {"message": str(error), "field": error.field}}
    if isinstance(error, (EngineUnavailable, DatabaseUnavailable, OSError, FutureTimeout)):
        return {"unavailable": str(error) or "the node's worker is busy"}
    log.error("request of another process failed", exc_info=error, extra={"tool": tool})
    return {"error": {"type": type(error).__name__, "message": str(error)}}


def png_of(picture: Picture) -> bytes:
    """Return a picture as a file, by which one process passes it to another."""
    buffer = io.BytesIO()
    PILImage.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
