"""Decisions about paths that need no disk: pure functions, which read a path as its system does, Windows's included."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePath, PureWindowsPath
from urllib.parse import quote_from_bytes

DEVICES = frozenset(
    {
        *("con", "prn", "aux", "nul", "conin$", "conout$"),
        *(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"),
    }
)
"""Names that are devices on Windows in every folder, whatever follows a dot."""


def drives(paths: Iterable[PurePath]) -> frozenset[str]:
    """Return the drives and network shares that paths lie on, in lower case; `""` for paths without one."""
    return frozenset(path.drive.lower() for path in paths)


def is_on(path: PurePath, known: frozenset[str]) -> bool:
    r"""Return True for a path without a drive, or on one of these: to look at another asks another machine, and says who asks.

    Windows takes a leading `\??\` for `\\?\`, which a share or a device may follow; pathlib takes it for a folder. No name has
    a `?` there.
    """
    if isinstance(path, PureWindowsPath) and any("?" in part for part in path.parts[1 if path.drive else 0 :]):
        return False
    return path.drive.lower() in known | {""}


def is_hidden(path: PurePath, folder: PurePath) -> bool:
    """Return True when a part of the path below the folder begins with a dot.

    Args:
        path: a path in the folder, with every link and every short name of Windows (`FOOOCU~1`) followed.
        folder: the same of the folder.
    """
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def is_file_name(text: str) -> bool:
    """Return True for a name that means a file or folder beside others on every system.

    A backslash, and the colon of a drive or a stream, lead elsewhere on Windows, `..` does everywhere.
    """
    return bool(text) and text not in (".", "..") and not set(text) & set("/\\:\0")


def is_device(name: str) -> bool:
    """Return True for a name that Windows takes for a device: `con`, also as `CON .png`."""
    return name.partition(".")[0].strip().lower() in DEVICES


def sqlite_uri(path: PurePath) -> str:
    """Return the URI by which SQLite opens an absolute path: of a share, too, where it takes no server in the URI's authority."""
    text = quote_from_bytes(os.fsencode(path.as_posix()), safe="/:")
    return f"file://{text}" if text.startswith("/") else f"file:///{text}"
