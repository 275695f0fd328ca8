"""A task as database row and back. Called by the rooms' parts that write and read tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from .task import Image, Task, TaskError, TaskStatus

FIXED = {"id", "task_id", "source", "parameters", "downloads", "queued_at", "webhook_url", "rank", "idempotency_key"}
"""Columns that the events of a task's life don't change."""


def to_row(task: Task) -> dict[str, Any]:
    """All columns but the database's own id."""
    row = asdict(task)
    del row["id"]
    row["status"] = task.status.value
    row["model"] = str(task.parameters.get("base_model_name") or "")
    row["words"] = str(task.parameters.get("prompt") or "").casefold()
    return row


def changes(task: Task) -> dict[str, Any]:
    """The columns that change during a task's life."""
    row = to_row(task)
    return {key: row[key] for key in row if key not in FIXED | {"model", "words", "fingerprint"}}


def from_row(row: dict[str, Any]) -> Task:
    """The task a row describes."""
    values = {key: row[key] for key in row if key not in ("model", "words")}
    return Task(
        **{
            **values,
            "parameters": row["parameters"] or {},
            "downloads": row["downloads"] or [],
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
