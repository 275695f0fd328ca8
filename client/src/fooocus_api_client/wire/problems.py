"""Reads error responses."""

from __future__ import annotations

import json
from typing import Any, Optional

from ..schema.tasks import Task
from .errors import ApiError, TaskFailed, api_error
from .request import Answer

FAILED = ("failed", "interrupted")
"""Ends of a task without its images."""


def error_of(answer: Answer) -> ApiError:
    """Return the error of a response that is not a success, of the API or of a proxy in front of it."""
    try:
        found = json.loads(answer.content)
    except ValueError:
        found = None
    members: dict[str, Any] = found if isinstance(found, dict) else {}
    if not members.get("detail"):
        target = answer.headers.get("location")
        reason = f"redirects to {target}; use that URL" if target else f"answered {answer.status}"
        members = {**members, "detail": f"{answer.url} {reason}"}
    return api_error(answer.status, members, retry_after_of(answer))


def retry_after_of(answer: Answer) -> Optional[float]:
    """Return the seconds of `Retry-After`, None without it."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None


def succeeded(task: Task) -> Task:
    """Return an ended task that did not fail.

    Raises:
        TaskFailed: Fooocus failed on it, or was interrupted.
    """
    if task.task_status not in FAILED:
        return task
    reason = f"{task.error.type}: {task.error.message}" if task.error else f"the task is {task.task_status}"
    members = {
        "code": "generation_failed",
        "detail": f"Fooocus failed: {reason}",
        "task_id": task.task_id,
        "task_status": task.task_status,
    }
    raise TaskFailed(500, members)
