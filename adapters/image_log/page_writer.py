"""Puts waiting entries into their pages: on a thread of its own at times that cost the worker little, and at once on request."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ...files.replacing import PAUSES_S
from ...files.served_files import resolved
from .entry import Entry
from .page import discard_unfinished, merge
from .waiting import WaitingEntries

log = logging.getLogger("fooocus_api.images")

PAUSE_WHEN_BUSY = 60
"""Pause between two writes, as a multiple of the time that the last one took, while the worker generates images."""
PAUSE_WHEN_IDLE = 10
"""The same while the worker has nothing to do."""
SHORTEST_PAUSE_S = 0.2
"""Shortest pause while the worker generates images."""
PAUSE_AFTER_ERROR_S = 5.0
LOOK_S = 0.1
"""Seconds between two looks at whether the worker is idle, only while entries wait."""


class PageWriter:
    """Writes the pages. A page is never read or written by two threads at once."""

    def __init__(self, waiting: WaitingEntries, is_idle: Callable[[], bool]) -> None:
        """Write the pages of these entries. `is_idle` returns whether the worker has no task."""
        self._waiting = waiting
        self._is_idle = is_idle
        self._writing = threading.Lock()
        self._changed = threading.Event()
        self._closed = threading.Event()
        self._last_end = float("-inf")
        self._last_cost = 0.0
        self._error_logged = False
        self._thread = threading.Thread(target=self._run, name="fooocus-api-log", daemon=True)

    def start(self) -> None:
        """Start the thread, which first completes the pages that an earlier process has left."""
        if self._waiting.pages():
            self._changed.set()
        self._thread.start()

    def add(self, entry: Entry) -> None:
        """Store an entry, and have its page written soon; at once if the writer is closed."""
        self._waiting.add(entry)
        self._changed.set()
        if self._closed.is_set():
            self.make(entry.page)

    def page_at(self, path: Path) -> str:
        """Return the page at a path in the host's own spelling, if entries wait for it, else the path."""
        pages = self._waiting.pages()
        return next((page for page in pages if resolved(Path(page)) == resolved(path)), str(path))

    def make(self, page: str) -> bool:
        """Put the waiting entries of a page into it. Return False if they have to wait longer; the reason is logged once."""
        try:
            self.change(page)
        except Exception as error:
            if not self._error_logged:
                self._error_logged = True
                reason = f"{type(error).__name__}: {error}"
                log.warning("image log not written; retrying", extra={"page": page, "reason": reason})
            return False
        return True

    def change(self, page: str, without: Collection[bytes] = (), pauses: Sequence[float] = PAUSES_S) -> None:
        """Put the waiting entries of a page into it, and take the entries with these ids out.

        Raises:
            OSError: the page can't be read or written; it is unchanged.
        """
        with self._writing:
            batch = self._waiting.take(page)
            try:
                if batch.is_left:
                    discard_unfinished(Path(page).parent)
                    Path(page).parent.mkdir(parents=True, exist_ok=True)
                merge(Path(page), batch.entries, without, once=batch.is_left, pauses=pauses)
            except BaseException:
                self._waiting.returned(page, batch)
                raise
            self._waiting.removed(page, batch)

    def close(self) -> None:
        """Stop the thread and write all pages."""
        self._closed.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._make_all()

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._wait_for_turn()
            if self._closed.is_set():
                return
            self._changed.clear()
            began = time.monotonic()
            failed = not self._make_all()
            self._last_end = time.monotonic()
            self._last_cost = self._last_end - began
            if failed:
                self._changed.set()
                self._closed.wait(PAUSE_AFTER_ERROR_S)

    def _wait_for_turn(self) -> None:
        """Wait until a write costs little, or the writer is closed."""
        while not self._closed.is_set():
            busy, idle = max(self._last_cost * PAUSE_WHEN_BUSY, SHORTEST_PAUSE_S), self._last_cost * PAUSE_WHEN_IDLE
            since = time.monotonic() - self._last_end
            if since >= busy or (since >= idle and self._idle()):
                return
            self._closed.wait(min(LOOK_S, busy - since))

    def _idle(self) -> bool:
        try:
            return self._is_idle()
        except Exception:
            return False

    def _make_all(self) -> bool:
        """Write all pages with waiting entries. Return False if one failed."""
        results = [self.make(page) for page in self._waiting.pages()]
        return all(results)
