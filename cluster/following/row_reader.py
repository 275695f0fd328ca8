"""The thread that reads the rows of which a notice has come, and all active ones from time to time, and puts them on the bus."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ...db.repository import Repository
from ...db.tables import TagRow, TaskRow
from ...db.writer import DatabaseUnavailable
from ...tasks.model.active_tasks import ActiveTasks
from ...tasks.model.events import Event
from ...tasks.model.rows import from_row
from ...tasks.model.task import ACTIVE_STATUSES
from .remote_events import RowRead

log = logging.getLogger("fooocus_api.cluster")

AT_ONCE = 200
FEW = 8
GATHER_S = 0.005
"""Seconds for which notices are gathered: the claim of a new task comes before its row is read, and a burst is read at once."""
RESYNC_S = 15.0
"""Seconds between two comparisons of all active rows with the memory: a notice may be lost."""
RETRY_S = 1.0
State = tuple[str, int, int, set[str]]


class RowReader:
    """Reads changed rows in the order of their notices, each once for all notices that have come by then."""

    def __init__(self, repository: Repository, active: ActiveTasks, emit: Callable[[Event], None]) -> None:
        self._repository = repository
        self._active = active
        self._emit = emit
        self._changed: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._again = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fooocus-api-rows", daemon=True)

    def start(self) -> None:
        """Start the thread, which reads all active rows first."""
        self._again.set()
        self._changed.put(None)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._changed.put(None)

    def changed(self, task_id: str, source: str = "") -> None:
        """Read a task's row soon. Any thread.

        Args:
            source: that of a task whose row is gone.
        """
        self._changed.put((task_id, source))

    def resync(self) -> None:
        """Compare all active rows with the memory soon: notices may have been missed."""
        self._again.set()
        self._changed.put(None)

    def _run(self) -> None:
        while not self._closing.is_set():
            wanted = self._wanted()
            try:
                if self._again.is_set():
                    self._again.clear()
                    wanted.update((task_id, "") for task_id in self._different())
                self._read(wanted)
            except DatabaseUnavailable:
                self._again.set()
                self._closing.wait(RETRY_S)
            except Exception:
                log.exception("rows of other processes not read; retrying")
                self._again.set()
                self._closing.wait(RETRY_S)

    def _wanted(self) -> dict[str, str]:
        """Wait for notices, and return the ids of their tasks with their sources."""
        wanted: dict[str, str] = {}
        try:
            first = self._changed.get(timeout=RESYNC_S)
        except queue.Empty:
            self._again.set()
            return wanted
        self._closing.wait(GATHER_S)
        for notice in (first, *self._more()):
            if notice is not None:
                wanted[notice[0]] = notice[1]
        return wanted

    def _more(self) -> Iterable[tuple[str, str] | None]:
        for _ in range(AT_ONCE):
            try:
                yield self._changed.get_nowait()
            except queue.Empty:
                return

    def _different(self) -> list[str]:
        """Return the tasks whose rows and whose states in memory differ, by the columns of the order and the tags."""
        columns = (TaskRow.task_id, TaskRow.status, TaskRow.attempts, TaskRow.rank)
        is_active = TaskRow.status.in_(ACTIVE_STATUSES)

        def read() -> dict[str, State]:
            rows: Any = TaskRow.select(*columns).where(is_active).order_by(TaskRow.rank, TaskRow.id).tuples()
            found: dict[str, State] = {task_id: (*state, set()) for task_id, *state in rows}
            tagged: Any = TagRow.select(TaskRow.task_id, TagRow.tag).join(TaskRow).where(is_active).tuples()
            for task_id, tag in tagged:
                if task_id in found:
                    found[task_id][-1].add(tag)
            return found

        stored = self._repository.read(read)
        different = [task_id for task_id, state in stored.items() if self._known(task_id) != state]
        return different + [task_id for task_id in self._active.task_ids() if task_id not in stored]

    def _known(self, task_id: str) -> State | None:
        live = self._active.get(task_id)
        return None if live is None else (live.task.status.value, live.task.attempts, live.task.rank, {*live.task.tags})

    def _read(self, wanted: dict[str, str]) -> None:
        ids = list(wanted)
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            rows = self._repository.read(partial(self._rows, part))
            found = {row["task_id"]: from_row(row) for row in rows}
            for task_id in part:
                self._emit(RowRead(task_id, found.get(task_id), wanted[task_id]))

    def _rows(self, task_ids: list[str]) -> list[dict[str, Any]]:
        """Return the rows of these tasks that exist. The statement for a single one is built already, that for many is not."""
        if len(task_ids) > FEW:
            return self._repository.many(task_ids)
        return [row for task_id in task_ids if (row := self._repository.get(task_id)) is not None]
