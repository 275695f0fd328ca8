"""The end of a task that a response waits for, and its failure as a problem."""

from __future__ import annotations

from typing import Any

from ...asgi.error_codes import ErrorCode
from ...tasks.build import TaskServices
from ...tasks.model.task import Task, TaskStatus
from ...tasks.ports.engine import EngineUnavailable
from ...tasks.service import DatabaseUnavailable
from ..responses.problems import Problem
from ..schemas.task import error_members


async def ended(services: TaskServices, task: Task, headers: dict[str, str]) -> Task:
    """Return the task once it has ended: `finished`, or `stopped` with the images that it has.

    Raises:
        Problem: 503 if Fooocus shuts down first, with the URL of the record after a restart, or if the record can't be read
            now; 500 if the task failed or was interrupted.
    """
    try:
        task = await services.tasks.wait(task.task_id)
    except EngineUnavailable as error:
        raise Problem(ErrorCode.SHUTTING_DOWN, str(error), headers=headers, task_id=task.task_id) from error
    except DatabaseUnavailable as error:  # with the task's id, so that the client does not have it generated again
        raise Problem(ErrorCode.DATABASE_UNAVAILABLE, str(error), headers=headers, task_id=task.task_id) from error
    if task.status in (TaskStatus.FAILED, TaskStatus.INTERRUPTED):
        raise Problem(ErrorCode.GENERATION_FAILED, **failure_members(task), headers=headers)
    return task


def failure_members(task: Task) -> dict[str, Any]:
    """Return the problem members for a task that failed or was interrupted."""
    error = task.error
    detail = f"Fooocus failed: {error.type}: {error.message}" if error else f"the task is {task.status.value}"
    members: dict[str, Any] = {"detail": detail, "task_id": task.task_id, "task_status": task.status.value}
    if error:
        members["error"] = error_members(error)
    return members
