"""The model files that the waiting tasks need, and those of the nodes: which tasks no node can take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence


class NeededFiles:
    """Index of the waiting tasks by the files that they need: another node costs as much as there are sets of files, and as
    many tasks as it frees. One thread at a time."""

    def __init__(self) -> None:
        self._nodes: Collection[frozenset[str]] | None = None
        self._needed: dict[str, frozenset[str]] = {}
        self._tasks: dict[frozenset[str], set[str]] = {}
        self._missing: set[frozenset[str]] = set()

    def add(self, task_id: str, files: frozenset[str]) -> bool:
        """Add a task. Return whether a node has its files, by what is known."""
        self.discard(task_id)
        if files not in self._tasks:
            self._tasks[files] = set()
            if not self._is_there(files):
                self._missing.add(files)
        self._tasks[files].add(task_id)
        self._needed[task_id] = files
        return files not in self._missing

    def discard(self, task_id: str) -> None:
        """Remove a task."""
        files = self._needed.pop(task_id, None)
        if files is None:
            return
        self._tasks[files].discard(task_id)
        if not self._tasks[files]:
            del self._tasks[files]
            self._missing.discard(files)

    def offer(self, nodes: Sequence[frozenset[str]] | None) -> tuple[list[str], list[str]]:
        """Take the files of the nodes, one set for each; None if they are not known. Return the tasks that no node can take from
        now on, and those that one can."""
        known = None if nodes is None else set(nodes)
        if known == self._nodes:
            return [], []
        self._nodes = known
        missing = {files for files in self._tasks if not self._is_there(files)}
        lost, back = missing - self._missing, self._missing - missing
        self._missing = missing
        return self._of(lost), self._of(back)

    def _is_there(self, files: frozenset[str]) -> bool:
        return self._nodes is None or any(files <= node for node in self._nodes)

    def _of(self, sets: Iterable[frozenset[str]]) -> list[str]:
        return [task_id for files in sets for task_id in self._tasks[files]]
