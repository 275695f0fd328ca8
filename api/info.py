"""Content of `/v1/info`: versions, features and state of this process."""

from __future__ import annotations

from typing import Any

from .. import __version__
from ..tasks.build import TaskServices
from .context import Host

FEATURES = (
    *("text-to-image", "vary", "upscale", "inpaint", "outpaint", "image-prompt", "enhance", "presets"),
    *("stream", "binary", "async", "stop", "skip", "describe", "mask", "unload"),
    *("history", "recovery", "idempotency", "retention", "webhooks", "keys", "model-files"),
)


def info_of(host: Host, services: TaskServices | None) -> dict[str, Any]:
    """Return the content. `services` is None if no task can be accepted."""
    status = host.status()
    problem = status.problem
    if problem is None and not status.worker_alive:
        problem = status.no_worker
    return {
        "name": "Fooocus API",
        "version": __version__,
        "supported": status.problem is None,
        "problem": problem,
        "worker_alive": status.worker_alive,
        "features": list(FEATURES) if services else [],
        "paused": services.control.pause.is_on() if services else False,
        "tasks": services.tasks.counts() if services else {"pending": 0, "running": 0},
        **host.info(),
    }
