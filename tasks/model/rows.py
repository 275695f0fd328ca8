"""Conversion of tasks to database rows and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from .task import Image, Task, TaskError, TaskStatus

CHANGING = ("started_at", "finished_at", "progress", "title", "attempts")
"""Columns that change during a task's life, besides its status and its results."""


def to_row(task: Task) -> dict[str, Any]:
    """Return all columns of a task except the database's id."""
    row = asdict(task)
    del row["id"]
    row["status"] = task.status.value
    row["notes"] = task.notes or None
    row["model"] = str(task.parameters.get("base_model_name") or "")
    row["words"] = words_of(task.parameters.get("prompt"))
    return row


def words_of(prompt: Any) -> str:
    """Return a prompt in lower case, for searches."""
    return str(prompt or "").casefold()


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


def inputs_of(parameters: dict[str, Any]) -> Iterator[str]:
    """Yield the file names of the inputs that parameters refer to, at any depth."""
    for value in parameters.values():
        if isinstance(value, str):
            if value.startswith("inputs/"):
                yield value.removeprefix("inputs/")
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from inputs_of(item)
