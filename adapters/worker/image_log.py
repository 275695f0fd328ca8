"""Deletes images together with their entries in the day's `log.html`, which the host writes next to them.

The host also keeps each page's entries in memory (`modules.private_logger.log_cache`) and rewrites the page from there.
Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ...files.image_paths import image_in
from ...files.replacing import delete_now, write_atomically
from ...tasks.ports.engine import Stayed
from ..patching.hooks import Patches

log = logging.getLogger("fooocus_api.images")

SPLIT = "<!--fooocus-log-split-->"
ENTRY = '<div id="{}" class="image-container">'
ENTRIES = '<div id="'


class ImageLog:
    """Deletes images and their log entries, never while the host writes an entry."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._host: ModuleType | None = None

    def patch(self, private_logger: ModuleType, patches: Patches) -> None:
        """Serialize `modules.private_logger.log` with deletions; it waits a few milliseconds at most."""
        self._host = private_logger
        patches.wrap(private_logger, "log", self._in_turn)

    def _in_turn(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self._lock:
            return wrapped(*args, **kwargs)

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
                    entries[path.with_name("log.html")].append((relative, path))
                except OSError as error:
                    stayed.append(Stayed(relative, path, error))
        for page, gone in entries.items():
            try:
                with self._lock:
                    self._forget(page, {path.name for _, path in gone})
            except OSError as error:
                stayed += [Stayed(relative, path, error) for relative, path in gone]
            except ValueError as error:  # not in UTF-8: leave it unchanged
                log.warning("host's image log not updated", extra={"page": str(page), "reason": str(error)})
        return stayed

    def _forget(self, page: Path, names: Collection[str]) -> None:
        """Remove the entries of these images from a page, on disk and in the host's memory."""
        cache = getattr(self._host, "log_cache", {})
        for cached in [key for key in cache if Path(key).resolve() == page]:
            cache[cached] = without_entries(cache[cached], names)
        if not page.is_file():
            return
        text = page.read_text(encoding="utf-8")
        before, split, rest = text.partition(SPLIT)
        entries, end, after = rest.rpartition(SPLIT)
        if not split or not end:
            return
        kept = without_entries(entries, names)
        if kept != entries:
            write_atomically(page, before + split + kept + end + after, pauses=())  # the worker waits


def without_entries(entries: str, names: Collection[str]) -> str:
    """Return a page's entries without those of these images. Unrecognized text stays."""
    for name in names:
        start = entries.find(ENTRY.format(name.replace(".", "_")))
        if start < 0:
            continue
        end = entries.find(f"\n{ENTRIES}", start + 1)
        entries = entries[:start] + (entries[end + 1 :] if end >= 0 else "")
    return entries
