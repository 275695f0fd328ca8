"""Stops of tasks, for which a response waits briefly."""

from __future__ import annotations

from contextlib import suppress

import anyio

from ...tasks.build import TaskServices
from ...tasks.model.task import Task
from ...tasks.ports.engine import EngineUnavailable
from ...tasks.service import WrongStatus

STOP_TIMEOUT_S = 1.0
"""Seconds that the response to a stop waits for the running task to end: most steps take less."""


async def stop_task(services: TaskServices, task_id: str) -> None:
    """Stop a pending or running task.

    Raises:
        WrongStatus: the task has already ended.
    """
    if not await services.tasks.stop(task_id):
        raise WrongStatus(f"task {task_id} has already ended: it is {(await services.tasks.get(task_id)).status.value}")


async def stop_and_wait(services: TaskServices, task: Task) -> None:
    """Stop a task and wait until it has ended, at most `STOP_TIMEOUT_S`.

    Raises:
        WrongStatus: the task has already ended.
    """
    await stop_task(services, task.task_id)
    # also a task that is pending here: a worker may have just claimed it
    with suppress(EngineUnavailable), anyio.move_on_after(STOP_TIMEOUT_S):
        await services.tasks.wait(task.task_id)
