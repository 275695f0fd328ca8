"""Journal of image files that are being created or deleted. Recovery uses it to remove orphans after a crash.

The worker journals a file before it writes it; a deletion journals the files before it deletes the record. If the disk is full,
entries are in memory until this process ends.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from pathlib import Path

from ...files.replacing import discard

log = logging.getLogger("fooocus_api.tasks")

TASK_ID = re.compile(r"[0-9a-f]{32}")


class FileJournal:
    """A folder with one text file per task, one path per line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unwritten: defaultdict[str, list[str]] = defaultdict(list)
        folder.mkdir(parents=True, exist_ok=True)

    def record(self, task_id: str, path: str) -> None:
        """Journal a file that is about to be written or deleted for a task: an absolute path, or one relative to the outputs.

        Takes microseconds. Never raises: on a full disk the task continues, as space may be freed in time.
        """
        try:
            with (self._folder / task_id).open("a", encoding="utf-8") as file:
                file.write(f"{path}\n")
        except OSError as error:
            log.error(
                "failed to journal image file; it may be orphaned after a crash",
                extra={"task_id": task_id, "reason": str(error)},
            )
            self._unwritten[task_id].append(path)

    def entries(self, task_id: str) -> list[str]:
        """Return the journaled paths of a task, each once."""
        try:
            lines = (self._folder / task_id).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            lines = []
        return list(dict.fromkeys(line for line in [*lines, *self._unwritten.get(task_id, ())] if line))

    def task_ids(self) -> list[str]:
        """Return the ids of the tasks with journaled files on disk."""
        return [path.name for path in self._folder.iterdir() if TASK_ID.fullmatch(path.name)]

    def clear(self, task_id: str) -> None:
        """Delete a task's entries: its images are recorded or deleted."""
        self._unwritten.pop(task_id, None)
        discard(self._folder / task_id)  # if it remains, recovery at the next start finds nothing to delete
