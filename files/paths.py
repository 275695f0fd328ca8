"""Checks of paths without disk access: pure functions that follow the rules of the path's system, including Windows."""

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
"""Names that are devices on Windows in every folder, with any extension."""


def drives(paths: Iterable[PurePath]) -> frozenset[str]:
    """Return the drives and network shares of paths, in lower case; `""` for paths without one."""
    return frozenset(path.drive.lower() for path in paths)


def is_on(path: PurePath, known: frozenset[str]) -> bool:
    r"""Return whether a path has no drive or one of these. Access to any other contacts another machine and discloses the user.

    Windows treats a leading `\??\` as `\\?\`, which a share or a device may follow; pathlib treats it as a folder. A file name
    can't contain a `?` on Windows.
    """
    if isinstance(path, PureWindowsPath) and any("?" in part for part in path.parts[1 if path.drive else 0 :]):
        return False
    return path.drive.lower() in known | {""}


def is_hidden(path: PurePath, folder: PurePath) -> bool:
    """Return whether a part of the path below the folder begins with a dot.

    Args:
        path: a path in the folder, with every link and every short name of Windows (`FOOOCU~1`) resolved.
        folder: the folder, resolved in the same way.
    """
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def is_file_name(text: str) -> bool:
    """Return whether a name denotes an entry of its folder on every system.

    A backslash, and the colon of a drive or a stream, lead out of the folder on Windows, `..` does everywhere.
    """
    return bool(text) and text not in (".", "..") and not set(text) & set("/\\:\0")


def is_device(name: str) -> bool:
    """Return whether Windows treats a name as a device: `con`, also as `CON .png`."""
    return name.partition(".")[0].strip().lower() in DEVICES


def sqlite_uri(path: PurePath) -> str:
    """Return the URI by which SQLite opens an absolute path, even on a network share: SQLite rejects a server as authority."""
    text = quote_from_bytes(os.fsencode(path.as_posix()), safe="/:")
    return f"file://{text}" if text.startswith("/") else f"file:///{text}"
