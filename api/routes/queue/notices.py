"""Notices on `/v1/events`: their names in a request, their state at the beginning of a stream, and the events."""

from __future__ import annotations

from typing import Any

from ....asgi.error_codes import FieldErrorCode
from ....asgi.problem import shortened
from ....auth.keys import Scope
from ....tasks.build import TaskServices
from ....tasks.streaming.notices import NOTICE_KINDS, Notice
from ...responses.problems import FieldError, InvalidFields
from ...responses.sse import message
from ...security.authorization import Access
from ..model_files.schemas import DownloadResponse
from .schemas import model_values, queue_ids, sample_values

SCOPES = {"stats": Scope.READ_ALL, "download": Scope.ADMIN}
"""Kind → the scope that it needs, as the route with the same data does."""
_NAMES = "|".join(NOTICE_KINDS)
NOTICE_LIST = rf"^[\s,]*(({_NAMES})(\s*,[\s,]*|\s*$))*$"
"""Regular expression of the names of notices in a request, for the schema."""
NOTICES = """With `also`, a list of names, the stream has further events, without an `id`:

| Event | Sent | Data |
|---|---|---|
| `queue` | at the beginning and when the order, a reason or the pause changes, at most twice a second | a `QueueEvent` |
| `deleted` | when tasks were deleted, also by pruning | a `DeletedEvent` |
| `moved` | when a task was moved in the queue | a `MovedEvent` |
| `download` | for each unfinished download at the beginning, and when one changes; needs `admin` | a `DownloadResponse` |
| `model` | at the beginning and when another checkpoint is in memory | a `ModelEvent` |
| `stats` | at the beginning and each minute; needs `read-all` | a `SampleModel` |

`deleted` and `moved` are repeated after a `Last-Event-ID` if the client may have missed them; some may come twice."""


def notice_kinds(also: str | None, access: Access) -> frozenset[str]:
    """Return the kinds that a request names, separated by commas.

    Raises:
        InvalidFields: a name is unknown.
        Problem: 403, the client lacks a scope that a kind needs.
    """
    names = [name.strip() for name in (also or "").split(",") if name.strip()]
    if unknown := [name for name in names if name not in NOTICE_KINDS]:
        raise InvalidFields(_unknown(name) for name in dict.fromkeys(unknown))
    for name in names:
        if name in SCOPES:
            access.require(SCOPES[name])
    return frozenset(names)


def scopes_of_kinds(kinds: frozenset[str]) -> list[Scope]:
    """Return the scopes that a client must keep to receive these kinds."""
    return [scope for kind, scope in SCOPES.items() if kind in kinds]


def _unknown(name: str) -> FieldError:
    message = f"{shortened(name)!r} is no event; use some of {', '.join(NOTICE_KINDS)}"
    return FieldError(field="also", code=FieldErrorCode.UNKNOWN_VALUE, message=message, allowed=list(NOTICE_KINDS))


def current_states(services: TaskServices, kinds: frozenset[str], only: str | None) -> list[Notice]:
    """Return the states of these kinds for the beginning of a stream. Off the event loop."""
    states: list[Notice] = []
    overview = services.overview
    if "queue" in kinds:
        states.append(Notice("queue", overview.views.view(only)))
    if "download" in kinds and services.model_files is not None:
        records = services.model_files.downloads.all()
        states += [Notice("download", record) for record in reversed(records) if record.state.is_unfinished]
    if "model" in kinds:
        states.append(Notice("model", overview.models.loaded))
    if "stats" in kinds:
        states.append(Notice("stats", overview.statistics.last(0)[-1]))
    return states


def notice_event(notice: Notice, only: str | None) -> bytes:
    """Return a notice as an event for a client that may see the tasks of one source only; None if it may see all."""
    return message(_data(notice, only), notice.kind)


def _data(notice: Notice, only: str | None) -> dict[str, Any]:
    content = notice.content
    if notice.kind == "queue":
        return queue_ids(content)
    if notice.kind == "deleted":
        return {"task_ids": content}
    if notice.kind == "moved":
        return {
            "task_id": content.task.task_id,
            "source": content.task.source,
            "queue_position": content.outlook.queue_position,
            "eta_seconds": content.outlook.eta_seconds,
        }
    if notice.kind == "download":
        return DownloadResponse.of(content).model_dump(mode="json")
    return model_values(content, only) if notice.kind == "model" else sample_values(content)
