"""Errors that the client raises: one class for each thing that a program may want to do about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional


class FooocusError(Exception):
    """The base class of all errors of this client."""


class ConnectionFailed(FooocusError):
    """The server can't be reached, or the connection broke and all further attempts failed."""


class UnexpectedAnswer(FooocusError):
    """The server answered something that is not of the API: the URL may be that of another program."""


@dataclass(frozen=True)
class FieldProblem:
    """One invalid field of a request, or one value of a batch's row."""

    field: str
    code: str
    message: str
    allowed: Optional[list[Any]] = None
    row: Optional[int] = None


class ApiError(FooocusError):
    """An error response. `code` is stable, the text may change; `members` is the whole problem document."""

    def __init__(self, status: int, members: dict[str, Any], retry_after: Optional[float] = None) -> None:
        self.status = status
        self.members = members
        self.retry_after = retry_after
        self.code = str(members.get("code") or "")
        self.detail = str(members.get("detail") or members.get("title") or "")
        super().__init__(f"{self.detail or 'the server gave no reason'} ({self.code or status})")

    @property
    def task_id(self) -> Optional[str]:
        """The task that the error is about, if any."""
        found = self.members.get("task_id")
        return found if isinstance(found, str) else None


class InvalidFields(ApiError):
    """422: the request can't work. `errors` has each invalid field, `field` is the name of the first."""

    @property
    def errors(self) -> list[FieldProblem]:
        """The invalid fields with what is allowed for each."""
        found = self.members.get("errors")
        entries = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        return [
            FieldProblem(
                str(one.get("field") or one.get("column") or ""),
                str(one.get("code") or ""),
                str(one.get("message") or ""),
                one.get("allowed"),
                one.get("row"),
            )
            for one in entries
        ]

    @property
    def field(self) -> Optional[str]:
        """The name of the first invalid field, as in `loras[0].weight`."""
        return next((error.field for error in self.errors), None)


class NotAuthenticated(ApiError):
    """401: the key is missing or wrong."""


class NotPermitted(ApiError):
    """403: the key lacks a scope, or the server refuses this host or origin."""


class NotFound(ApiError):
    """404: no such task, batch, image or path, or the key may not see it."""


class WrongState(ApiError):
    """409: the state of the task or the batch does not permit the action."""


class LimitReached(ApiError):
    """429: a limit of the key or of the queue is reached; `retry_after` has the seconds to wait."""


class TaskFailed(ApiError):
    """Fooocus failed on the task, or was interrupted. `task_id` names the task."""


class Unavailable(ApiError):
    """503, 502 or 504: the server starts, shuts down, or can't do it now."""


CLASSES: dict[int, type[ApiError]] = {
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    409: WrongState,
    422: InvalidFields,
    429: LimitReached,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
"""Status → class of the error."""
OF_TASKS = {"generation_failed", "tool_failed"}
"""Codes of errors of Fooocus itself."""


def api_error(status: int, members: dict[str, Any], retry_after: Optional[float] = None) -> ApiError:
    """Return the error for a problem document."""
    kind = TaskFailed if members.get("code") in OF_TASKS else CLASSES.get(status, ApiError)
    return kind(status, members, retry_after)
