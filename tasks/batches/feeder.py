"""Queues the rows of all batches on a thread of its own: a few at a time, so that other tasks overtake the rest."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError

from ...auth.keys import KeyQuota
from ...auth.rate_limit import LimitReached
from ...db.disk.placement import FULL_WORDS
from ...db.statements.batches import batches, items
from ...db.writer import DatabaseUnavailable
from ..duty import Duty
from ..model.task import BATCH, Task, TaskError, new_task_id
from ..ports.engine import EngineUnavailable
from ..queue.submission import Submissions
from ..service import TaskService
from .admission import DISK_RETRY_S, Admission
from .changes import BatchChanges
from .model import Batch, Pause, RowTask
from .store import BatchStore, RowTaken

log = logging.getLogger("fooocus_api.batches")

RETRY_S = 1.0
"""Seconds until the next try if the database or the worker is not available."""
MAX_QUOTA_RETRY_S = 30.0
"""Seconds after which a row that met a quota is tried again at the latest, as the quota may have been raised."""
ALL = 0
"""Number that stands for all batches."""
Step = Callable[[], "float | None"]
"""A part of a round; it returns the seconds until it is to run again, None for the next change."""


class BatchFeeder:
    """The thread. It sleeps until a batch changes, a task ends, or a pause is over."""

    def __init__(
        self,
        store: BatchStore,
        submissions: Submissions,
        tasks: TaskService,
        admission: Admission,
        changes: BatchChanges,
        steps: Sequence[Step],
    ) -> None:
        """Run `steps` before each round: deletions and messages."""
        self._store = store
        self._submissions = submissions
        self._tasks = tasks
        self._admission = admission
        self._changes = changes
        self._steps = steps
        self._wake = threading.Event()
        self._duty = Duty()
        self._closed = False
        self._pauses: dict[int, tuple[Pause, float]] = {}
        """Pauses by the number of a batch, and when each is over, in seconds of a monotonic clock."""

    def start(self, duty: Duty) -> None:
        """Start the thread, which works while this process has the duty. It first records the ends of rows that an earlier
        process could not record."""
        self._duty = duty
        duty.call(self.wake)
        self._changes.call(self._on_change)
        threading.Thread(target=self._run, name="fooocus-api-batches", daemon=True).start()

    def wake(self) -> None:
        """Look for rows, messages and deletions, also those of another process of a cluster. Any thread."""
        self._wake.set()

    def close(self) -> None:
        """Queue no more rows. Does not wait for the thread."""
        self._closed = True
        self._wake.set()

    def pause_of(self, batch: Batch) -> Pause | None:
        """Return the reason why a running batch queues no row now, None if it does. Any thread."""
        if batch.state != batches.RUNNING:
            return None
        found = self._pauses.get(ALL) or self._pauses.get(batch.number)
        return found[0] if found else None

    def _on_change(self, batch_id: str | None) -> None:
        if batch_id is not None or self._pauses:  # the end of another task may make room
            self._wake.set()

    # ----------------------------------------------------------------- thread

    def _run(self) -> None:
        settled = False
        while not self._closed:
            self._wake.clear()
            if not self._duty.is_mine():
                settled = False
                self._pauses.clear()
                self._wake.wait()
                continue
            try:
                settled = settled or self._settle()
                pause = self._round()
            except (DatabaseUnavailable, CancelledError) as error:
                self._pause(ALL, _unavailable(error))
                pause = RETRY_S
            except Exception:
                log.exception("batches not continued; retrying")
                pause = RETRY_S
            self._wake.wait(pause)

    def _settle(self) -> bool:
        for state in (batches.RUNNING, batches.STOPPED, batches.DELETED):
            for number, in_queue in self._store.in_queue_by_batch(state):
                if in_queue:
                    self._store.settle(number)
        return True

    def _round(self) -> float | None:
        """Queue as many rows as may be queued. Return the seconds until the next try, None to sleep until a change."""
        waits = [seconds for step in self._steps if (seconds := step()) is not None]
        for number, _ in self._store.in_queue_by_batch(batches.STOPPED):
            self._recall(number)
        in_queue = dict(self._store.in_queue_by_batch(batches.RUNNING))
        for number in [*self._pauses]:
            if number != ALL and number not in in_queue:
                del self._pauses[number]  # of a batch that was stopped or deleted
        if in_queue:  # with a full disk, rows in the queue end late, and no end leads to the next row
            waits.append(DISK_RETRY_S)
            if (full := self._admission.disk()) is not None:
                self._pause(ALL, full)
        of_all, begun = self._pauses.get(ALL), time.monotonic()
        for number, rows in in_queue.items():
            if rows:
                self._recall(number)  # of a batch that was resumed before all of them were withdrawn
        while not self._closed and self._duty.is_mine() and sum(in_queue.values()) < self._admission.rows_of_all():
            chosen = self._next(in_queue)
            if chosen is None:
                break
            if self._queue_row(chosen):
                in_queue[chosen] += 1
            else:
                del in_queue[chosen]
        if of_all is not None and of_all[1] <= begun and self._pauses.get(ALL) is of_all:  # no batch had room for a row
            full = self._admission.disk()
            self._continue(ALL) if full is None else self._pause(ALL, full)
        now = time.monotonic()
        waits += [end - now for number, (_, end) in self._pauses.items() if number == ALL or end > now]
        return max(min(waits), 0.05) if waits else None

    def _recall(self, number: int) -> None:
        for _, state, task_id in self._store.in_queue(number):
            if state == items.RECALLED:
                self._tasks.withdraw(task_id)

    def _next(self, in_queue: dict[int, int]) -> int | None:
        """Return the batch with the fewest rows in the queue, the oldest among equals; None if each has enough or pauses."""
        now = time.monotonic()
        pausing = {number for number, (_, end) in self._pauses.items() if end > now}
        if ALL in pausing:
            return None
        most = self._admission.rows_of_one()
        free = [(rows, number) for number, rows in in_queue.items() if rows < most and number not in pausing]
        return min(free)[1] if free else None

    def _queue_row(self, number: int) -> bool:
        """Queue a batch's next row. Return False if it has none or pauses."""
        batch = self._store.numbered(number)
        row = self._store.next_waiting(batch) if batch is not None else None
        if batch is None or row is None:
            return self._continue(number)
        quota = self._admission.quota(batch.source)
        if isinstance(quota, Pause):
            return self._pause(number, quota)
        if (full := self._admission.disk()) is not None:
            return self._pause(ALL, full)
        task = _task_of(batch, row)
        try:
            _check_quota(row, quota)
            self._submissions.check(row.parameters)
            queued = self._submissions.offer(
                task, batch.base_url, quota, also=lambda: self._store.take(batch, row, task)
            )
            queued.result()
        except RowTaken:
            return False
        except LimitReached as error:
            seconds = min(float(error.retry_after), MAX_QUOTA_RETRY_S)
            return self._pause(number, Pause(error.limit, str(error), seconds))
        except EngineUnavailable as error:
            return self._pause(ALL, Pause("engine_unavailable", str(error), RETRY_S))
        except (DatabaseUnavailable, CancelledError) as error:
            return self._pause(ALL, _unavailable(error))
        except Exception as error:
            of_row = isinstance(error, RowTooLarge)
            log.warning("row of a batch not accepted", exc_info=not of_row, extra={"batch_id": batch.batch_id})
            self._store.fail(batch, row, TaskError.of(error))
        else:
            self._changes.show(batch.batch_id)
        self._continue(number, ALL)
        return True

    def _pause(self, number: int, pause: Pause) -> bool:
        if self._closed:  # the history was closed during the round
            return False
        known = self._pauses.get(number)
        self._pauses[number] = pause, time.monotonic() + pause.retry_s
        if known is None or known[0].code != pause.code:
            log.warning("batches paused", extra={"batch": number or "all", "reason": pause.reason})
            self._report(number)
        return False

    def _continue(self, *numbers: int) -> bool:
        """End pauses. Always false."""
        for number in numbers:
            if self._pauses.pop(number, None) is not None:
                log.info("batches continued", extra={"batch": number or "all"})
                self._report(number)
        return False

    def _report(self, number: int) -> None:
        """Show a pause or its end to the streams of one batch, or of all running ones."""
        with contextlib.suppress(DatabaseUnavailable, CancelledError):
            numbers = [number] if number else [one for one, _ in self._store.in_queue_by_batch(batches.RUNNING)]
            for batch in map(self._store.numbered, numbers):
                if batch is not None:
                    self._changes.show(batch.batch_id)


class RowTooLarge(Exception):
    """The row requests more images than its key may generate in a day, so that it would wait for ever."""


def _check_quota(row: RowTask, quota: KeyQuota) -> None:
    most = quota.images_per_day
    if most is not None and row.images > most:
        words = (
            f"the row requests {row.images} images, and its key may generate {most} a day; raise the quota and retry it"
        )
        raise RowTooLarge(words)


def _task_of(batch: Batch, row: RowTask) -> Task:
    note = {"id": batch.number, "batch_id": batch.batch_id, "row": row.number, "custom_id": row.custom_id}
    notes = {**row.notes, BATCH: note}
    return Task(new_task_id(), batch.source, row.parameters, downloads=row.downloads, notes=notes)


def _unavailable(error: BaseException) -> Pause:
    words = getattr(error, "words", "")
    code = "disk_full" if words == FULL_WORDS else "history_unavailable"
    return Pause(code, f"the history can't be written: {words}" if words else "the history can't be used now", RETRY_S)
