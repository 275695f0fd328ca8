"""Windows's sharing violations, faked: files and folders that another program or a terminal has open."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NAMES = ("replace", "rename", "unlink", "remove", "rmdir")
"""The calls of `os` that Windows refuses for what is open."""


class Violation(PermissionError):
    """An error as Windows raises it."""

    def __init__(self, winerror: int = 32, name: str = "a file") -> None:
        super().__init__(13, "held by another program", name)
        self.winerror = winerror


def refuse(monkeypatch: pytest.MonkeyPatch, is_held: Callable[[str, Path], bool]) -> None:
    """Refuse each call of NAMES for whose name and first path `is_held` says True."""
    for name in NAMES:
        real = getattr(os, name)

        def call(path: Any, *others: Any, name: str = name, real: Any = real, **named: Any) -> Any:
            folder = named.get("dir_fd")
            at = Path(path) if folder is None else _opened(folder) / path
            if is_held(name, at):
                raise Violation(32, str(path))
            return real(path, *others, **named)

        monkeypatch.setattr(os, name, call)


def _opened(folder: int) -> Path:
    """Return the path of an open folder: shutil deletes by those where it can."""
    if sys.platform == "darwin":
        import fcntl

        return Path(fcntl.fcntl(folder, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode())
    return Path(os.readlink(f"/proc/self/fd/{folder}"))


def hold_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a terminal stand in a folder: it can be neither renamed nor removed, what lies in it can."""
    refuse(monkeypatch, lambda name, path: path == folder)


def hold_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Let a program have a file open: neither it nor a folder above it can be renamed or removed."""
    refuse(monkeypatch, lambda name, path: path == file or path in file.parents)


def hold_every_third(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse each third call. Returns the list that the refused ones are noted in."""
    count, refused = [0], []

    def is_held(name: str, path: Path) -> bool:
        count[0] += 1
        if count[0] % 3 == 0:
            refused.append(f"{name} {path.name}")
        return count[0] % 3 == 0

    refuse(monkeypatch, is_held)
    return refused
