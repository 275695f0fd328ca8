"""A task as database row and back. Called by the rooms' parts that write and read tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from .task import Image, Task, TaskError, TaskStatus

CHANGING = ("started_at", "finished_at", "progress", "title", "attempts")
"""Columns that the events of a task's life change, beside its status and what came of it."""


def to_row(task: Task) -> dict[str, Any]:
    """All columns but the database's own id."""
    row = asdict(task)
    del row["id"]
    row["status"] = task.status.value
    row["notes"] = task.notes or None
    row["model"] = str(task.parameters.get("base_model_name") or "")
    row["words"] = words_of(task.parameters.get("prompt"))
    return row


def words_of(prompt: Any) -> str:
    """A prompt as it is searched."""
    return str(prompt or "").casefold()


def changes(task: Task) -> dict[str, Any]:
    """The columns that change during a task's life."""
    return {
        "status": task.status.value,
        **{name: getattr(task, name) for name in CHANGING},
        "images": [asdict(image) for image in task.images],
        "error": asdict(task.error) if task.error else None,
        "notes": task.notes or None,
    }


def from_row(row: dict[str, Any]) -> Task:
    """The task a row describes."""
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
    """File names of the inputs that parameters refer to, at any depth."""
    for value in parameters.values():
        if isinstance(value, str):
            if value.startswith("inputs/"):
                yield value.removeprefix("inputs/")
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from inputs_of(item)
