"""Conversion of tasks to database rows and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .task import Image, Task, TaskError, TaskStatus
from .workload.workload import Workload

CHANGING = ("started_at", "finished_at", "progress", "title", "attempts")
"""Columns that change during a task's life, in addition to its status and its results."""


def to_row(task: Task, workload: Workload) -> dict[str, Any]:
    """Return all columns of a task except the database's id, and its tags."""
    row = asdict(task)
    del row["id"], row["stage"]
    row["status"] = task.status.value
    row["notes"] = task.notes or None
    row["model"] = workload.checkpoint
    row["tags"] = list(workload.tags)
    row["words"] = workload.prompt.casefold()  # not `search_text`, which would stay in memory
    return row


def changes(task: Task) -> dict[str, Any]:
    """Return the columns that change during a task's life."""
    return {
        "status": task.status.value,
        **{name: getattr(task, name) for name in CHANGING},
        "images": [asdict(image) for image in task.images],
        "error": asdict(task.error) if task.error else None,
        "notes": task.notes or None,
    }


def from_row(row: dict[str, Any]) -> Task:
    """Return the task of a row."""
    values = {key: row[key] for key in row if key not in ("model", "words")}
    return Task(
        **{
            **values,
            "parameters": row["parameters"] or {},
            "downloads": row["downloads"] or [],
            "notes": row["notes"] or {},
            "status": TaskStatus(row["status"]),
            "images": [Image(**image) for image in row["images"]],
            "error": TaskError(**row["error"]) if row["error"] else None,
        }
    )
