"""Puts the images of tasks into the depot, so that no record lists an image that other processes don't find."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ..depot.depot import Depot, DepotUnavailable
from .file_journal import FileJournal

log = logging.getLogger("fooocus_api.images")

THREADS = 4
PAUSES_S = (0.5, 1, 2, 5, 10, 20, 30)
"""Seconds between tries of an upload while the depot is away; the last one repeats."""
QUICK_TRIES = 3


class Publisher:
    """Uploads on threads of its own. Any thread may call.

    A journal has the files that are not in the depot yet, so that the next process uploads them if this one ends before.
    """

    def __init__(
        self,
        depot: Depot,
        relative_path: Callable[[str], str | None],
        journal: FileJournal,
        published: Callable[[str, str], None] = lambda _task_id, _relative: None,
    ) -> None:
        """Store the parts.

        Args:
            relative_path: returns the name in records of the image at an absolute path, which is its key, None for other files.
            journal: a journal for uploads alone, in a folder of its own.
            published: is called with a task's id and an image's name in records once it is in the depot.
        """
        self._depot = depot
        self._relative_path = relative_path
        self._journal = journal
        self._published = published
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="fooocus-api-upload")
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._uploads: dict[str, dict[str, Future[bool]]] = {}
        """Task id → path → its upload, from `begin` to the end of the task."""
        self._is_away = False

    @property
    def is_away(self) -> bool:
        """True while the depot refuses uploads."""
        return self._is_away

    def begin(self, task_id: str, path: str) -> None:
        """Upload an image that a running task has saved. Return at once."""
        self._started(task_id, [path])

    def publish(self, task_id: str, paths: Sequence[str], then: Callable[[], None]) -> None:
        """Upload the images of a task that ends, and call `then` on another thread once all are in the depot. Return at once.

        While the depot is away the uploads are tried again. If this process ends before, `then` is not called. An image that has
        been deleted does not prevent the others.
        """
        begun_s = time.monotonic()
        uploads = self._started(task_id, paths)
        left, lock = len(uploads), threading.Lock()

        def finished(_: Future[bool]) -> None:
            nonlocal left
            with lock:
                left -= 1
                is_last = left == 0
            if is_last:
                end()

        def end() -> None:
            done = sum(not each.cancelled() and each.exception() is None and each.result() for each in uploads)
            if self._closing.is_set() and done < len(uploads):
                return
            with self._lock:
                self._uploads.pop(task_id, None)
            self._journal.clear(task_id)
            if uploads:
                seconds = round(time.monotonic() - begun_s, 3)
                log.info("images uploaded", extra={"task_id": task_id, "images": done, "waited_s": seconds})
            then()

        if not uploads:
            end()
        for upload in uploads:
            upload.add_done_callback(finished)

    def now(self, task_id: str, paths: Sequence[str]) -> bool:
        """Upload images at once, with a few tries, and return whether all are in the depot. The others follow after `resume`."""
        all_in = True
        for path in paths:
            self._journal.record(task_id, path)
            all_in &= self._tried(task_id, path, QUICK_TRIES)
        if all_in:
            self._journal.clear(task_id)
        return all_in

    def resume(self) -> None:
        """Upload the images that an earlier process did not. Return at once. Call it once, after the recovery's deletions."""
        for task_id in self._journal.task_ids():
            paths = [path for path in self._journal.entries(task_id) if Path(path).is_file()]
            self.publish(task_id, paths, lambda: None)

    def close(self, within_s: float | None = None) -> None:
        """End the uploads that wait for the depot. Those in flight get `within_s` seconds, or as long as they need if None."""
        self._closing.set()
        with self._lock:
            running = [upload for uploads in self._uploads.values() for upload in uploads.values()]
        self._pool.shutdown(wait=within_s is None, cancel_futures=True)
        deadline = time.monotonic() + (within_s or 0)
        for upload in running:
            if not upload.cancelled() and not upload.done():
                _wait(upload, max(0.0, deadline - time.monotonic()))

    def _started(self, task_id: str, paths: Iterable[str]) -> list[Future[bool]]:
        """Return the uploads of these images, begun where they were not yet."""
        found: list[Future[bool]] = []
        for path in dict.fromkeys(paths):
            with self._lock:
                uploads = self._uploads.setdefault(task_id, {})
                upload = uploads.get(path)
            if upload is None:
                self._journal.record(task_id, path)
                try:
                    upload = self._pool.submit(partial(self._tried, task_id, path, None))
                except RuntimeError:  # closed: the next process uploads it
                    upload = Future()
                    upload.cancel()
                with self._lock:
                    upload = uploads.setdefault(path, upload)
            found.append(upload)
        return found

    def _tried(self, task_id: str, path: str, tries: int | None) -> bool:
        """Upload an image and return True; False if it is no image, does not exist any more, or could not be uploaded."""
        relative = self._relative_path(path)
        if relative is None:
            return False
        number = 0
        while not self._closing.is_set():
            try:
                self._depot.put(relative, Path(path))
                self._answers()
                self._published(task_id, relative)
                return True
            except FileNotFoundError:
                log.warning("image not uploaded, as its file is missing", extra={"task_id": task_id, "path": path})
                return False
            except DepotUnavailable as error:
                self._refused(task_id, error)
            number += 1
            if number == tries:
                return False
            self._closing.wait(PAUSES_S[min(number - 1, len(PAUSES_S) - 1)])
        return False

    def _refused(self, task_id: str, error: DepotUnavailable) -> None:
        with self._lock:
            was_away, self._is_away = self._is_away, True
        if not was_away:
            message = "images can't be uploaded; their tasks end once they are"
            log.error(message, extra={"task_id": task_id, "reason": error.strerror})

    def _answers(self) -> None:
        with self._lock:
            was_away, self._is_away = self._is_away, False
        if was_away:
            log.info("images can be uploaded again")


def _wait(upload: Future[bool], seconds: float) -> None:
    done = threading.Event()
    upload.add_done_callback(lambda _: done.set())
    done.wait(seconds)
