"""Reads the host's wildcard files as its prompts do: by the name of the file alone, in any folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path, PurePath

from ...tasks.ports.catalog import Wildcard
from ..host_modules import host_module

_State = tuple[int, int]
"""Modification time in nanoseconds and size of a file."""


class Wildcards:
    """The wildcards of the running host. A file's lines are counted again only after it has changed. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Path, tuple[_State, int]] = {}

    def text(self, name: str) -> str:
        """Return the lines that replace `__name__` in a prompt, "" if there are none."""
        path = _paths().get(name)
        return "" if path is None else _read(path)

    def all(self) -> list[Wildcard]:
        """Return all wildcards by name; one whose file can't be read has no lines."""
        paths = _paths()
        with self._lock:
            self._counts = {path: self._counted(path) for path in paths.values()}
            return [Wildcard(name, self._counts[path][1]) for name, path in sorted(paths.items())]

    def _counted(self, path: Path) -> tuple[_State, int]:
        try:
            status = os.stat(path)
        except OSError:
            return (0, 0), 0
        state = (status.st_mtime_ns, status.st_size)
        known = self._counts.get(path)
        if known is not None and known[0] == state:
            return known
        return state, sum(line != "" for line in _read(path).splitlines())


def _paths() -> dict[str, Path]:
    """Return the file of each wildcard: of several with the same name, the host uses the first."""
    config = host_module("modules.config")
    paths: dict[str, Path] = {}
    for file in config.wildcard_filenames:
        paths.setdefault(PurePath(file).stem, Path(config.path_wildcards, file))
    return paths


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
