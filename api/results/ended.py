"""The end of a task that a response waits for, and its failure as a problem."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...asgi.error_codes import ErrorCode
from ...tasks.build import TaskServices
from ...tasks.model.task import Task, TaskStatus
from ...tasks.ports.engine import EngineUnavailable
from ...tasks.service import DatabaseUnavailable
from ..responses.problems import Problem
from ..schemas.task import error_members


@contextmanager
def naming(task: Task, headers: dict[str, str]) -> Iterator[None]:
    """Turn what keeps an accepted task's record from being read into problems that name the task, so that the client does not
    have it generated again.

    Raises:
        Problem: 503 if Fooocus shuts down, with the URL of the record after a restart, or if the record can't be read now.
    """
    try:
        yield
    except EngineUnavailable as error:
        raise Problem(ErrorCode.SHUTTING_DOWN, str(error), headers=headers, task_id=task.task_id) from error
    except DatabaseUnavailable as error:
        raise Problem(ErrorCode.DATABASE_UNAVAILABLE, str(error), headers=headers, task_id=task.task_id) from error


async def ended(services: TaskServices, task: Task, headers: dict[str, str]) -> Task:
    """Return the task once it has ended: `finished`, or `stopped` with the images that it has.

    Raises:
        Problem: 503 if Fooocus shuts down first, with the URL of the record after a restart, or if the record can't be read
            now; 500 if the task failed or was interrupted.
    """
    with naming(task, headers):
        task = await services.tasks.wait(task.task_id)
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
