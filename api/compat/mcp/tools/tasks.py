"""`get_task` and `stop_task`: a task that the key may see, such as one whose response was lost."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from .....asgi.problem import shortened
from .....auth.keys import Scope
from .....tasks.model.task import Task
from .....tasks.service import UnknownTask
from ....results.stops import stop_and_wait
from ....schemas.stage import stage_members
from ....security.authorization import visible_task
from ..protocol.calls import Call
from .place import tasks_before
from .results import task_result, text_result
from .tool import STOPPING, Schema, Tool, text

ID = re.compile(r"[0-9a-f-]{32,36}", re.ASCII | re.IGNORECASE)
"""A task's id. Another text may be of any length, and have characters that a database refuses."""


def _task_id(*_: Any) -> dict[str, Schema]:
    return {"task_id": text("The id of a task, from the text of another tool's result.")}


async def _visible(call: Call) -> Task:
    """Return the task that is named, in its current state.

    Raises:
        UnknownTask: it does not exist, or the key may not see it.
    """
    task_id = call.arguments["task_id"].strip()
    if not ID.fullmatch(task_id):
        raise UnknownTask(shortened(task_id))
    return await visible_task(call.context, call.request, task_id)


async def _get(call: Call) -> dict[str, Any]:
    task = await _visible(call)
    if task.status.is_terminal:
        return await task_result(call, task, may_refuse=True)
    return text_result(await asyncio.to_thread(_state, call, task))


async def _stop(call: Call) -> dict[str, Any]:
    services = call.context.services
    task = await _visible(call)
    await stop_and_wait(services, task)
    task = await services.tasks.get(task.task_id)
    text = f"is {task.status.value}" if task.status.is_terminal else "stops at its next step"
    return text_result(f"Task {task.task_id} {text}.")


def _state(call: Call, task: Task) -> str:
    """Return the state of a task that has not ended, one value a line."""
    services = call.context.services
    outlook = services.eta.outlook(task)
    values = {
        "Task": task.task_id,
        "Status": task.status.value,
        "Progress": f"{task.progress} %",
        "Tasks before it": tasks_before(services, task) if task.started_at == -1 else None,
        "Seconds left": None if outlook.eta_seconds is None else round(outlook.eta_seconds),
        **{name: value for name, value in stage_members(task).items() if name != "started_at"},
    }
    lines = [f"{name}: {value}" for name, value in values.items() if value is not None]
    return "\n".join([*lines, "Ask again for its images when it is finished."])


GET_TASK = Tool(
    "get_task",
    "Get a task",
    "Returns the state of a generation by its id, and its images once it is finished.",
    _get,
    scope=Scope.READ,
    properties=_task_id,
    required=("task_id",),
)
STOP_TASK = Tool(
    "stop_task",
    "Stop a task",
    "Stops a generation that waits or runs. It can't be resumed.",
    _stop,
    scope=Scope.CONTROL,
    annotations=STOPPING,
    properties=_task_id,
    required=("task_id",),
)
