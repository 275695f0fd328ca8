"""Which image files belong to no record yet, or soon to none, so that a crash leaves none that nobody knows.

The worker names a file here before it writes it, a deletion before it forgets the record; the recovery finds what a process
that died has named.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

TASK_ID = re.compile(r"[0-9a-f]{32}")


class Claims:
    """A folder with one small text file for each such task: a path a line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def claim(self, task_id: str, path: str) -> None:
        """Say that `path` is about to be written for a task, or to be deleted: an absolute path, or one relative to the outputs.
        Called where the file is named: some microseconds."""
        with (self._folder / task_id).open("a", encoding="utf-8") as file:
            file.write(f"{path}\n")

    def of(self, task_id: str) -> list[str]:
        """The paths that were claimed for a task, each once."""
        try:
            lines = (self._folder / task_id).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return list(dict.fromkeys(line for line in lines if line))

    def task_ids(self) -> list[str]:
        """The tasks that have claims."""
        return [path.name for path in self._folder.iterdir() if TASK_ID.fullmatch(path.name)]

    def release(self, task_id: str) -> None:
        """The task's images are recorded, or gone."""
        with contextlib.suppress(OSError):
            (self._folder / task_id).unlink(missing_ok=True)
