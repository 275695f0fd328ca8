"""Ends of rows, each in the transaction that ends its task: a kill leaves no row without its end, and none with two."""

from __future__ import annotations

import logging
from typing import Any

from ...db.statements import outbox
from ...db.statements.batches import batches, items
from ...db.statements.sources import usage
from ..model.task import BATCH, Task, TaskStatus, now_ms
from ..queue.quotas import DAY_MS
from .changes import BatchChanges
from .model import error_text

log = logging.getLogger("fooocus_api.batches")

MAX_DISK_TRIES = 3
"""Ends of one row for want of space, after which it fails."""
NO_SPACE = ("o space left", "[Errno 28]", "[WinError 112]", "[Errno 122]")
"""Parts of the messages of a full disk, on all systems."""
_ENDS = {TaskStatus.FINISHED: items.SUCCEEDED, TaskStatus.STOPPED: items.CANCELLED}


class RowEnds:
    """Listens to the ends of all tasks, and records those of rows."""

    def __init__(self, changes: BatchChanges) -> None:
        self._changes = changes

    def on_end(self, task: Task) -> None:
        """Record the end of a task's row, in the transaction that ends the task. On the writer's thread."""
        note = task.notes.get(BATCH)
        if not note:
            return
        batches.hold(note["id"])
        row = items.one(note["id"], note["row"])
        if row is not None and row["state"] in items.IN_QUEUE and row["task_id"] == task.task_id:
            end_row(row["batch"], row, task)

    def after_end(self, task: Task) -> None:
        """Report a task's end once it is on the disk."""
        note = task.notes.get(BATCH)
        self._changes.signal(note["batch_id"] if note else None)


def end_row(number: int, row: dict[str, Any], task: Task) -> None:
    """End a row with its task, and the batch after its last row; or let the row wait again.

    It waits again if its batch was stopped before the task started, and if the disk had no space for the images. In a
    transaction.
    """
    again = {"state": items.WAITING, "task_id": None}
    if row["state"] == items.RECALLED and task.status is TaskStatus.STOPPED and task.started_at == -1:
        _refund(task.source, row["images"], task.queued_at)
        _mark(number, row, **again)
    elif task.status is TaskStatus.FAILED and _lacked_space(task) and row["sequence"] >= -MAX_DISK_TRIES:
        _refund(task.source, row["images"], task.queued_at)
        _mark(number, row, **again, sequence=row["sequence"] - 1)  # below -1, it counts the tries
    else:
        state = _ENDS.get(task.status, items.FAILED)
        content = None if state == items.SUCCEEDED else row["content"]
        error = error_text(task.error) if state == items.FAILED else None
        _mark(number, row, state=state, content=content, sequence=batches.next_sequence(number), error=error)
        end_if_done(number)


def end_if_done(number: int) -> None:
    """End a batch without open rows, and make its message due. In a transaction."""
    row = batches.numbered(number)
    if row is None or row["state"] not in batches.OPEN or items.has_open(number):
        return
    now = now_ms()
    due: dict[str, Any] = {}
    if row["delivery"] != "none":
        due = {"delivery": outbox.PENDING, "due_at": now, "since": max(now, row["since"] + 1), "tries": 0}
    batches.update(number, state=batches.ENDED, ended_at=now, **due)
    log.info("batch ended", extra={"batch_id": row["batch_id"], "rows": row["total"]})


def _mark(number: int, row: dict[str, Any], **values: Any) -> None:
    items.mark(number, row["number"], items.IN_QUEUE, **values)


def _lacked_space(task: Task) -> bool:
    return task.error is not None and any(part in task.error.message for part in NO_SPACE)


def _refund(source: str, images: int, queued_at: int) -> None:
    """Return the charge of a row that was queued today and waits again, as it is charged once more."""
    day = now_ms() // DAY_MS
    if queued_at // DAY_MS == day and usage.images_asked(source, day) >= images:
        usage.ask_for_images(source, day, -images)
