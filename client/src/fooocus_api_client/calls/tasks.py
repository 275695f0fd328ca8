"""Calls about tasks: records, lists, actions and events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Union

from ..schema.events import DroppedEvent, TaskEvent
from ..schema.tasks import Task, TaskCards, TaskLists
from ..wire.image_files import picture_of
from ..wire.request import Answer, Call, Parameter, Request, parsed, reader
from ..wire.stream import EventStream

ENDS = ("finished", "failed", "stopped", "interrupted")
"""Statuses of an ended task, and the names of its last event."""


@dataclass(frozen=True)
class TaskUpdate:
    """One event of a task. `kind` is queued, started, progress, image, finished, failed, stopped or interrupted."""

    kind: str
    event: TaskEvent
    preview: Optional[bytes]
    """The file of the newest preview, in the format that was asked for."""

    @property
    def is_last(self) -> bool:
        """True for the event of the task's end."""
        return self.kind in ENDS


@dataclass(frozen=True)
class Missed:
    """Events were lost, as the connection was broken for long: read the records."""

    count: Optional[int]


@dataclass(frozen=True)
class Previews:
    """The form of the previews in events: the format, and the pixels of the longer side."""

    format: str = "webp"
    size: Optional[int] = None


def get(task_id: str) -> Call[Task]:
    """Read a record."""
    return Call(Request("GET", f"/tasks/{task_id}", outlasts=True), reader(Task))


def page(query: str, number: int, page_size: int, filters: dict[str, Parameter]) -> Call[TaskLists]:
    """Read a page of records."""
    return Call(_list(query, number, page_size, filters), reader(TaskLists))


def cards(query: str, number: int, page_size: int, filters: dict[str, Parameter]) -> Call[TaskCards]:
    """Read a page of short entries."""
    return Call(_list(query, number, page_size, {**filters, "view": "card", "previews": False}), reader(TaskCards))


def action(task_id: str, name: str) -> Call[Task]:
    """Stop, skip or move a task. The answer to a second stop would be an error: it is not sent again."""
    return Call(Request("POST", f"/tasks/{task_id}/{name}", repeatable=name == "move-to-front"), reader(Task))


def delete(task_id: str) -> Call[Optional[Task]]:
    """Delete an ended task, or cancel a pending one."""

    def read(answer: Answer) -> Optional[Task]:
        return None if answer.status == 204 else parsed(Task, answer.json())

    return Call(Request("DELETE", f"/tasks/{task_id}", repeatable=False), read)


def events(task_id: str, previews: Optional[Previews], retries: int) -> EventStream[Union[TaskUpdate, Missed]]:
    """Follow one task to its end."""
    request = Request("GET", f"/tasks/{task_id}/events", params=_parameters(previews), outlasts=True)
    return EventStream(request, _update, lambda name, _: name in ENDS, continues=True, retries=retries)


def all_events(previews: Optional[Previews], retries: int) -> EventStream[Union[TaskUpdate, Missed]]:
    """Follow all tasks, without an end."""
    request = Request("GET", "/v1/events", params=_parameters(previews), outlasts=True)
    return EventStream(request, _update, lambda *_: False, continues=True, retries=retries)


def _list(query: str, number: int, page_size: int, filters: dict[str, Parameter]) -> Request:
    return Request("GET", "/tasks", params={"query": query, "page": number, "page_size": page_size, **filters})


def _parameters(previews: Optional[Previews]) -> dict[str, Parameter]:
    if previews is None:
        return {"previews": False}
    return {"preview_format": previews.format, "preview_size": previews.size}


def _update(name: str, data: dict[str, Any]) -> Union[TaskUpdate, Missed]:
    if name == "dropped":
        return Missed(parsed(DroppedEvent, data).dropped)
    event = parsed(TaskEvent, data)
    return TaskUpdate(name, event, picture_of(event.preview))
