"""Files and folders of this process's tests that another program, or a terminal that stands in them, has open."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.support.sharing_violations import SharingViolation, absolute

NAMES = ("replace", "rename", "unlink", "remove", "rmdir")
"""The calls of `os` that Windows refuses for what is open."""


def refuse(monkeypatch: pytest.MonkeyPatch, is_held: Callable[[str, Path], bool]) -> None:
    """Refuse each call of NAMES for whose name and first path `is_held` says True."""
    for name in NAMES:
        real = getattr(os, name)

        def call(path: Any, *others: Any, name: str = name, real: Any = real, **named: Any) -> Any:
            if is_held(name, Path(absolute(path, named))):
                raise SharingViolation(str(path))
            return real(path, *others, **named)

        monkeypatch.setattr(os, name, call)


def hold_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a terminal stand in a folder: it can be neither renamed nor removed, what lies in it can."""
    refuse(monkeypatch, lambda name, path: path == folder)


def hold_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Let a program have a file open: neither it nor a folder above it can be renamed or removed."""
    refuse(monkeypatch, lambda name, path: path == file or path in file.parents)


def keep_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to delete a file that is read-only, as Windows does: access is denied (5)."""
    real = os.unlink

    def unlink(path: Any, **named: Any) -> None:
        if not os.stat(path, **named).st_mode & stat.S_IWRITE:
            raise SharingViolation(str(path), 5)
        real(path, **named)

    monkeypatch.setattr(os, "unlink", unlink)


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
