"""Reads the histories of FooocusAPI and Fooocus-API, without ever changing them.

Both call their table `generate_record`; its columns distinguish them. FooocusAPI (`outputs/db.sqlite3`) adds a row when a task is
queued and completes it when the task ends; a failed task ends as "finished" without results, a lost one has no status at all.
Fooocus-API (`database.db`, with `--persistent`) adds a row when a task has ended.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files.paths import sqlite_uri
from ...tasks.model.task import TaskError, TaskStatus
from ..errors import CommandError

TABLE = "generate_record"
FOOOCUSAPI = "FooocusAPI"
FOOOCUS_API = "Fooocus-API"
MARKS = {FOOOCUSAPI: {"task_id", "req_params"}, FOOOCUS_API: {"task_id", "result_url", "finish_reason"}}
"""Program → columns that only its table has."""
FAILED = ("finished", "error", "failed")
MAX_INTEGER = 2**63 - 1
ABOUT_THE_TASK = {
    *("task_id", "task_type", "result_url", "finish_reason", "date_time", "webhook_url"),
    *("task_in_queue_mills", "task_start_mills", "task_finish_mills"),
}
"""Columns of Fooocus-API's table that are not parameters."""
JSON_COLUMNS = ("style_selections", "loras", "advanced_params", "image_prompts", "outpaint_selections")
TRUTH_COLUMNS = ("require_base64", "async_process")


class BrokenRow(Exception):
    """A row that can't be read as a task; the message says why."""


@dataclass(frozen=True)
class OldTask:
    """An old row in the extension's terms. Times are milliseconds since 1970, -1 if unknown; `results` are URLs or paths."""

    program: str
    task_id: str
    parameters: dict[str, Any]
    status: TaskStatus
    error: TaskError | None
    queued_at: int
    started_at: int
    finished_at: int
    progress: int
    webhook_url: str
    results: list[str]


class OldHistory:
    """An old database, opened read-only."""

    def __init__(self, file: Path) -> None:
        """Open the database.

        Raises:
            CommandError: it is not one of those databases.
        """
        self._file = file
        if file.is_dir():
            raise CommandError(f"{file} is a folder; name the file, such as outputs/db.sqlite3 or database.db")
        if not file.is_file():
            raise CommandError(f"{file} does not exist")
        try:
            self._connection = sqlite3.connect(f"{sqlite_uri(file.resolve())}?mode=ro", uri=True)
            self._connection.row_factory = sqlite3.Row
            self._connection.text_factory = lambda text: text.decode("utf-8", "replace")
            columns = {row["name"] for row in self._connection.execute(f"PRAGMA table_info({TABLE})")}
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        for program, marks in MARKS.items():
            if marks <= columns:
                self.program = program
                return
        self._connection.close()
        what = f"its table {TABLE} has other columns" if columns else f"it has no table {TABLE}"
        raise CommandError(f"{file} is not a history of FooocusAPI or Fooocus-API: {what}")

    def __len__(self) -> int:
        """Return the number of rows."""
        try:
            return int(self._connection.execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0])  # nosec B608  # a constant
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def __iter__(self) -> Iterator[OldTask | BrokenRow]:
        """Yield all rows, oldest first, and a `BrokenRow` in place of each that can't be read.

        Raises:
            CommandError: the file is damaged; the rows before that are valid.
        """
        understand = _of_fooocusapi if self.program == FOOOCUSAPI else _of_fooocus_api
        try:
            with closing(self._connection.execute(f"SELECT * FROM {TABLE} ORDER BY rowid")) as rows:  # nosec B608  # likewise
                for number, row in enumerate(rows, 1):
                    try:
                        yield understand(dict(row))
                    except (BrokenRow, RecursionError) as error:
                        yield BrokenRow(f"row {number}: {error}")
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _unreadable(self, error: sqlite3.Error) -> CommandError:
        return CommandError(f"{self._file} can't be read as a SQLite database: {error}")


def _of_fooocusapi(row: dict[str, Any]) -> OldTask:
    results = [_text(result, "result") for result in _list(row.get("result"), "result")]
    started_at = _time(row, "start_mills")
    status, error = _status(row.get("task_status"), bool(results))
    parameters = _json(row["req_params"], "req_params")
    if not isinstance(parameters, dict):
        raise BrokenRow("req_params is not an object")
    return OldTask(
        program=FOOOCUSAPI,
        task_id=_task_id(row),
        parameters=parameters,
        status=status,
        error=error,
        queued_at=_time(row, "in_queue_mills"),
        started_at=started_at,
        finished_at=_time(row, "finish_mills"),
        progress=100 if status is TaskStatus.FINISHED else _progress(row.get("progress")),
        webhook_url=_text(row.get("webhook_url") or "", "webhook_url"),
        results=results,
    )


def _status(old: object, has_results: bool) -> tuple[TaskStatus, TaskError | None]:
    if old in ("finished", "skip") and has_results:
        return TaskStatus.FINISHED, None
    if old in ("stop", "skip"):
        return TaskStatus.STOPPED, None
    if old in FAILED:
        return TaskStatus.FAILED, TaskError("NoImages", f"imported without images: FooocusAPI called it {old!r}")
    status = "pending" if old in (None, "", "null") else str(old)
    return TaskStatus.INTERRUPTED, TaskError(
        "Interrupted", f"imported without its end: FooocusAPI called it {status!r}"
    )


def _of_fooocus_api(row: dict[str, Any]) -> OldTask:
    # Its URLs are joined by commas, and a file name may contain one.
    results = [url for url in re.split(r",(?=https?://)", _text(row["result_url"] or "", "result_url")) if url]
    reason = row["finish_reason"]
    error = None
    if reason == "USER_CANCEL":
        status = TaskStatus.STOPPED
    elif reason == "SUCCESS" and results:
        status = TaskStatus.FINISHED
    else:
        status = TaskStatus.FAILED
        error = TaskError("NoImages", f"imported without a success: Fooocus-API's finish_reason was {reason!r}")
    parameters = {name: value for name, value in row.items() if name not in ABOUT_THE_TASK and value is not None}
    for name in JSON_COLUMNS:
        if name in parameters:
            parameters[name] = _json(parameters[name], name)
    for name in TRUTH_COLUMNS:
        if name in parameters:
            parameters[name] = bool(parameters[name])
    seconds = _time(row, "date_time")  # older versions stored no other time
    finished_at = _time(row, "task_finish_mills")
    return OldTask(
        program=FOOOCUS_API,
        task_id=_task_id(row),
        parameters={**parameters, "task_type": row.get("task_type")},
        status=status,
        error=error,
        queued_at=_time(row, "task_in_queue_mills"),
        started_at=_time(row, "task_start_mills"),
        finished_at=finished_at if finished_at >= 0 or seconds < 0 else seconds * 1000,
        progress=100 if status is TaskStatus.FINISHED else 0,
        webhook_url=_text(row.get("webhook_url") or "", "webhook_url"),
        results=results,
    )


def _task_id(row: dict[str, Any]) -> str:
    task_id = _text(row["task_id"], "task_id").strip()
    if not task_id:
        raise BrokenRow("task_id is empty")
    return task_id


def _time(row: dict[str, Any], column: str) -> int:
    """Return the time in a column that may be missing, null, or 0 for unknown."""
    value = row.get(column)
    if value is None:
        return -1
    if not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value) > MAX_INTEGER // 1000:
        raise BrokenRow(f"{column} is not a time: {value!r}")
    return int(value) if value > 0 else -1


def _progress(value: object) -> int:
    return min(max(int(value), 0), 100) if isinstance(value, (int, float)) and math.isfinite(value) else 0


def _text(value: object, column: str) -> str:
    if not isinstance(value, str):
        raise BrokenRow(f"{column} is not text: {value!r}")
    return value


def _list(value: object, column: str) -> list[Any]:
    found = _json(value, column) if value is not None else []
    if found is None:
        return []
    if not isinstance(found, list):
        raise BrokenRow(f"{column} is not a list")
    return found


def _json(value: object, column: str) -> Any:
    """Parse a JSON column, or JSON within JSON: some versions encoded their values twice."""
    for _ in range(2):
        if isinstance(value, str):
            try:
                value = json.loads(value, parse_constant=_refuse)
            except ValueError as error:
                raise BrokenRow(f"{column} is not JSON: {error}") from error
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")
