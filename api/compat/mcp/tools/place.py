"""The place of a waiting task in the queue, in words."""

from __future__ import annotations

from .....tasks.build import TaskServices
from .....tasks.model.task import Task


def tasks_before(services: TaskServices, task: Task) -> int | None:
    """Return the number of tasks before a waiting one, the running ones included, None if unknown. Off the event loop."""
    position = services.eta.outlook(task).queue_position
    return None if position is None else position + len(services.active.started(lambda live: live.ending is None))
