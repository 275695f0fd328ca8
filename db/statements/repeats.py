"""Statements about the repetition of tasks: what is recorded of each, and the hashes of model files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..encoding import as_json, plain
from ..tables import ModelHashRow, RepeatRow, TaskRow


@dataclass(frozen=True)
class RecordedRun:
    """The record of a task's run, as in `RepeatRow`."""

    seed: int | None
    state: bytes | None
    host: dict[str, str]
    models: list[list[Any]]


def record_start(task_id: str, seed: int | None, host: dict[str, str], models: list[list[Any]]) -> None:
    """Record the start of a task. A state that it has to restore stays."""
    row_id = _row_id(task_id)
    if row_id is not None:
        values = {"seed": seed, "host": as_json(host), "models": as_json(models)}
        if not RepeatRow.update(values).where(RepeatRow.task == row_id).execute():
            RepeatRow.insert(task=row_id, **values).execute()


def record_state(task_id: str, state: bytes | None) -> None:
    """Record the state of the random generator, None if it could not be read."""
    row_id = _row_id(task_id)
    if row_id is not None:
        values = {"state": state or b""}
        if not RepeatRow.update(values).where(RepeatRow.task == row_id).execute():
            RepeatRow.insert(task=row_id, **values).execute()


def copy_state(from_task_id: str, row_id: int) -> None:
    """Give the task with this row id the state of another one, if that has one."""
    state = state_of(from_task_id)
    if state:
        RepeatRow.insert(task=row_id, state=state).execute()


def state_of(task_id: str) -> bytes | None:
    """Return the recorded state of the random generator, None without one."""
    query = RepeatRow.select(RepeatRow.state).join(TaskRow).where(TaskRow.task_id == task_id)
    state = query.scalar()
    return None if state is None else bytes(state)


def run_of(task_id: str) -> RecordedRun | None:
    """Return the record of a task's run, None if it ran before such records, or has not started."""
    row = RepeatRow.select().join(TaskRow).where(TaskRow.task_id == task_id).dicts().first()
    if row is None or row["host"] is None:
        return None
    state = None if row["state"] is None else bytes(row["state"])
    return RecordedRun(row["seed"], state, json.loads(row["host"]), json.loads(row["models"] or "[]"))


def hash_of(path: str, size: int, mtime_ns: int) -> str | None:
    """Return the known SHA-256 of a file with this size and time of change, None if it is not known."""
    at = (ModelHashRow.path == plain(path)) & (ModelHashRow.size == size) & (ModelHashRow.mtime_ns == mtime_ns)
    found: str | None = ModelHashRow.select(ModelHashRow.sha256).where(at).scalar()
    return found


def add_hash(path: str, size: int, mtime_ns: int, sha256: str) -> None:
    """Store the SHA-256 of a file."""
    values = {"path": plain(path), "size": size, "mtime_ns": mtime_ns, "sha256": sha256}
    ModelHashRow.insert(values).on_conflict_ignore().execute()


def _row_id(task_id: str) -> int | None:
    row_id: int | None = TaskRow.select(TaskRow.id).where(TaskRow.task_id == task_id).scalar()
    return row_id
