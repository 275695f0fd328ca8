"""The day's `log.html`, which the host writes next to the images: its entries are kept, written at a small cost, and deleted.

The host rewrites the page with all its entries for each image. Here it composes a page with the new entry alone, which is
taken apart; the entry is stored at once, and the page is written by another thread.
Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

from filelock import FileLock

from ...files.image_paths import image_in
from ...files.replacing import delete_now
from ...files.served_files import resolved
from ...tasks.ports.engine import Stayed
from ..host_modules import host_module
from ..patching.hooks import Patches
from .entry import Entry, id_of_image, take_apart
from .host_page import MARKER, EntriesSoFar, HostOpen, LogCalls
from .page import entries_in, merge
from .page_writer import PageWriter
from .waiting import WaitingEntries

log = logging.getLogger("fooocus_api.images")

PAGE = "log.html"


class ImageLog:
    """Takes entries from the host, and deletes images with their entries. Any thread."""

    def __init__(self, is_idle: Callable[[], bool] = lambda: False) -> None:
        """Write pages at once when `is_idle` returns that the worker has no task."""
        self._is_idle = is_idle
        self._calls = LogCalls()
        self._captures = _Captures()
        self._writer: PageWriter | None = None
        self._process_lock: FileLock | None = None
        self._host: ModuleType | None = None
        self._turn = threading.Lock()
        """Held while the host writes a page by itself, or loses an entry of it."""

    def patch(self, private_logger: ModuleType, patches: Patches) -> None:
        """Take the entries that `modules.private_logger.log` writes.

        Another process with the same outputs writes its pages as Fooocus does.
        """
        self._host = private_logger
        patches.wrap(private_logger, "log", self._log)
        try:
            self._open(Path(host_module("modules.config").path_outputs) / ".fooocus_api")
        except Exception as error:
            log.warning("image log is written by Fooocus itself", extra={"reason": f"{type(error).__name__}: {error}"})
            return
        patches.on_uninstall(self.close)
        atexit.register(self.close)
        patches.replace(private_logger, "log_cache", EntriesSoFar(self._calls))
        patches.hide_builtin(private_logger, "open", HostOpen(self._calls, self._write))

    def _open(self, state: Path) -> None:
        """Use the waiting entries of this folder.

        Raises:
            OSError: the folder can't be used.
            Timeout: another process uses it.
        """
        state.mkdir(parents=True, exist_ok=True)
        self._process_lock = FileLock(state / "log.lock", thread_local=False)
        self._process_lock.acquire(blocking=False)
        self._writer = PageWriter(WaitingEntries(state / "log"), self._is_idle)
        self._writer.start()

    def _log(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self._turn if self._writer is None else self._calls.call():
            return wrapped(*args, **kwargs)

    def _write(self, page: str, text: str) -> None:
        """Take the entry from the text of a page. A page of an unknown form is written with all entries, as the host does."""
        entry = take_apart(page, text, MARKER)
        if entry is None:
            self.make_page(Path(page))
            if MARKER in text:
                text = text.replace(MARKER, entries_in(Path(page)))
            Path(page).write_text(text, "utf-8", "replace")
        elif self._captures.entries is not None:
            self._captures.entries.append(entry)
        else:
            self.add([entry])

    def captured(self) -> AbstractContextManager[list[Entry]]:
        """Collect the entries that the host writes on this thread inside the context, instead of adding them: its value."""
        return self._captures.collected()

    def add(self, entries: Iterable[Entry]) -> None:
        """Add entries to their pages. They survive a kill from then on. Never raises `OSError`."""
        if self._writer is not None:
            for entry in entries:
                self._writer.add(entry)

    def make_page(self, path: Path) -> None:
        """Put the waiting entries of a page into its file before returning. Does nothing for other files."""
        if self._writer is not None and path.name == PAGE:
            self._writer.make(self._writer.page_at(path))

    def close(self) -> None:
        """Write all pages. Entries that come later are written at once."""
        if self._writer is not None:
            self._writer.close()
        if self._process_lock is not None:
            self._process_lock.release()

    def remove_images(self, folders: Sequence[Path], paths: Sequence[str]) -> list[Stayed]:
        """Delete the images at these paths, relative to one of the folders with forward slashes, and return those that stayed.

        Files outside the folders, hidden files and files that are not images are never deleted. An image that another program has
        open stays with its entry, and does not prevent the deletion of the others. Does not wait for other programs.
        """
        stayed: list[Stayed] = []
        entries: dict[Path, list[tuple[str, Path]]] = defaultdict(list)
        for relative in paths:
            for folder in folders:
                path = image_in(folder, relative)
                if path is None:
                    continue
                try:
                    with contextlib.suppress(FileNotFoundError):
                        delete_now(path)
                    entries[path.with_name(PAGE)].append((relative, path))
                except OSError as error:
                    stayed.append(Stayed(relative, path, error))
        for page, gone in entries.items():
            try:
                self._remove(page, frozenset(id_of_image(path.name) for _, path in gone))
            except OSError as error:
                stayed += [Stayed(relative, path, error) for relative, path in gone]
        return stayed

    def _remove(self, page: Path, ids: frozenset[bytes]) -> None:
        """Take entries out of a page, and out of those that wait for it."""
        if self._writer is not None:
            self._writer.change(self._writer.page_at(page), ids, pauses=())
            return
        with self._turn:
            merge(page, (), ids, pauses=())
            cache = getattr(self._host, "log_cache", {})
            for key in [key for key in cache if resolved(Path(key)) == page]:
                del cache[key]  # the host reads the page again


class _Captures(threading.local):
    """The list that collects entries on each thread, None where they are added."""

    entries: list[Entry] | None = None

    @contextlib.contextmanager
    def collected(self) -> Iterator[list[Entry]]:
        before, self.entries = self.entries, []
        try:
            yield self.entries
        finally:
            self.entries = before
