"""A task as a database row and back. Called by the service."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .task import Image, Task, TaskError, TaskStatus


def to_row(task: Task) -> dict[str, Any]:
    """All columns but the database's own id."""
    row = asdict(task)
    del row["id"]
    row["status"] = task.status.value
    return row


def changes(task: Task) -> dict[str, Any]:
    """The columns that change during a task's life."""
    row = to_row(task)
    return {key: row[key] for key in row if key not in {"task_id", "source", "parameters", "queued_at", "webhook_url"}}


def from_row(row: dict[str, Any]) -> Task:
    """The task a row describes."""
    return Task(
        **{
            **row,
            "status": TaskStatus(row["status"]),
            "images": [Image(**image) for image in row["images"]],
            "error": TaskError(**row["error"]) if row["error"] else None,
        }
    )
