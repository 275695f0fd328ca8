"""Files and folders that another program has open, or a terminal as its working directory, simulated in this process."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.support.fakes.sharing_violations import SharingViolation, absolute

NAMES = ("replace", "rename", "unlink", "remove", "rmdir")
"""Functions of `os` that Windows refuses for open files and folders."""


def refuse(monkeypatch: pytest.MonkeyPatch, is_held: Callable[[str, Path], bool]) -> None:
    """Refuse each call of NAMES for which `is_held`, given its name and first path, returns True."""
    for name in NAMES:
        real = getattr(os, name)

        def call(path: Any, *others: Any, name: str = name, real: Any = real, **named: Any) -> Any:
            if is_held(name, Path(absolute(path, named))):
                raise SharingViolation(str(path))
            return real(path, *others, **named)

        monkeypatch.setattr(os, name, call)


def hold_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Simulate a terminal in a folder: the folder can be neither renamed nor removed, but its contents can."""
    refuse(monkeypatch, lambda name, path: path == folder)


def hold_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Simulate a program with an open file: neither the file nor a folder above it can be renamed or removed."""
    refuse(monkeypatch, lambda name, path: path == file or path in file.parents)


def keep_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to delete a read-only file, as Windows does: access is denied (5)."""
    real = os.unlink

    def unlink(path: Any, **named: Any) -> None:
        if not os.stat(path, **named).st_mode & stat.S_IWRITE:
            raise SharingViolation(str(path), 5)
        real(path, **named)

    monkeypatch.setattr(os, "unlink", unlink)


def hold_every_third(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse every third call. Return the list that collects the refused ones."""
    count, refused = [0], []

    def is_held(name: str, path: Path) -> bool:
        count[0] += 1
        if count[0] % 3 == 0:
            refused.append(f"{name} {path.name}")
        return count[0] % 3 == 0

    refuse(monkeypatch, is_held)
    return refused
