"""Which image files belong to no record yet, or soon to none, so that a crash leaves none that nobody knows.

The worker names a file here before it writes it, a deletion before it forgets the record; the recovery finds what a process
that died has named. What a full disk did not take is known until this process ends.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from pathlib import Path

from ..files.replacing import discard

log = logging.getLogger("fooocus_api.tasks")

TASK_ID = re.compile(r"[0-9a-f]{32}")


class Claims:
    """A folder with one small text file for each such task: a path a line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unwritten: defaultdict[str, list[str]] = defaultdict(list)
        folder.mkdir(parents=True, exist_ok=True)

    def claim(self, task_id: str, path: str) -> None:
        """Say that `path` is about to be written for a task, or to be deleted: an absolute path, or one relative to the outputs.
        Called where the file is named: some microseconds. Never raises: a disk that is full can still be made room on."""
        try:
            with (self._folder / task_id).open("a", encoding="utf-8") as file:
                file.write(f"{path}\n")
        except OSError as error:
            log.error("image not noted: a crash would leave it", extra={"task_id": task_id, "reason": str(error)})
            self._unwritten[task_id].append(path)

    def of(self, task_id: str) -> list[str]:
        """The paths that were claimed for a task, each once."""
        try:
            lines = (self._folder / task_id).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            lines = []
        return list(dict.fromkeys(line for line in [*lines, *self._unwritten.get(task_id, ())] if line))

    def task_ids(self) -> list[str]:
        """The tasks that have claims."""
        return [path.name for path in self._folder.iterdir() if TASK_ID.fullmatch(path.name)]

    def release(self, task_id: str) -> None:
        """The task's images are recorded, or gone."""
        self._unwritten.pop(task_id, None)
        discard(self._folder / task_id)  # can't it be, then the next start finds that there is nothing to delete
