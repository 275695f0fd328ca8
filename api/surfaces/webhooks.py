"""Webhook bodies: of a task that a surface accepted, in the form of that surface if it has one."""

from __future__ import annotations

from ...asgi.surfaces.surface import Surface
from ...tasks.model.task import Task
from ..compat.submission import SURFACE_NOTE
from ..context import Context
from ..routes.tasks.webhooks import webhook_body


def surface_webhook_body(context: Context, own_url: str, task: Task, base_url: str) -> bytes:
    """Return the body that a receiver gets of a task. Off the event loop.

    The receiver of `--webhook-url` gets the same form of all tasks.

    Args:
        own_url, base_url: as for `webhook_body`.
    """
    if task.webhook_url and task.notes.get(SURFACE_NOTE) == Surface.LEGACY.value:
        from ..compat.legacy.answers import legacy_webhook_body

        return legacy_webhook_body(context, own_url, task, base_url)
    return webhook_body(context, own_url, task, base_url)
