"""Threads that encode and write images, bounded by the bytes of the images in hand."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger("fooocus_api.images")

ENCODERS = 2
"""Number of threads: one keeps up with a fast GPU's PNGs, the second with its large ones."""
MAX_BYTES = 256 * 2**20
"""Bytes of images in hand, about 80 of 1152x896, at which the worker waits: a disk that stands still must not fill the memory."""
NICENESS = 5


@dataclass(frozen=True, eq=False)
class SaveJob:
    """An image to write. `save` writes the file at `path`; then `done` receives its exception, None without one."""

    path: str
    size: int
    """Bytes in memory until the file is written."""
    save: Callable[[], None]
    done: Callable[[BaseException | None], None]


class SavePool:
    """Runs jobs in the order of their submission, as many at a time as it has threads."""

    def __init__(self, encoders: int = ENCODERS, max_bytes: int = MAX_BYTES) -> None:
        self._encoders = encoders
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._queued: deque[SaveJob] = deque()
        self._in_hand: dict[str, SaveJob] = {}
        self._unfinished = 0
        self._threads: list[threading.Thread] = []

    def submit(self, job: SaveJob) -> None:
        """Queue a job. Wait while too many bytes are in hand, or a job for the same file is.

        Raises:
            RuntimeError: no thread can be started; the job does not run.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(job))
            self._start_threads()
            self._queued.append(job)
            self._in_hand[job.path] = job
            self._unfinished += 1
            self._changed.notify_all()

    def paths(self) -> list[str]:
        """Return the paths of the files that are not complete yet."""
        with self._changed:
            return list(self._in_hand)

    def finish(self, within_s: float | None = None) -> bool:
        """Wait until all jobs are done, at most `within_s` seconds. Return False if some are not."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._unfinished, within_s)

    def _has_room(self, job: SaveJob) -> bool:
        in_hand = self._in_hand.values()
        return job.path not in self._in_hand and (
            not in_hand or sum(each.size for each in in_hand) + job.size <= self._max_bytes
        )

    def _start_threads(self) -> None:
        while len(self._threads) < self._encoders:
            thread = threading.Thread(target=self._run, name="fooocus-api-saving", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _run(self) -> None:
        _yield_to_others()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queued)
                job = self._queued.popleft()
            error = _error_of(job.save)
            with self._changed:
                del self._in_hand[job.path]  # before `done`, which may wait for a lock that the waiting worker holds
                self._changed.notify_all()
            if (failure := _error_of(lambda job=job, error=error: job.done(error))) is not None:  # type: ignore[misc]
                log.error("saved image not reported", exc_info=failure)
            del job, error, failure  # the image, while this thread waits for the next
            with self._changed:
                self._unfinished -= 1
                self._changed.notify_all()


def _error_of(action: Callable[[], None]) -> BaseException | None:
    try:
        action()
    except BaseException as error:  # any would end the thread, and with it every save
        return error.with_traceback(None)  # its frames hold the image
    return None


def _yield_to_others() -> None:
    """Give this thread a low priority: the worker, which feeds the GPU, comes first. Only Linux has one for each thread."""
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        except OSError as error:
            log.debug("priority of the saving threads not lowered", extra={"reason": str(error)})
