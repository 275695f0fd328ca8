"""Putting a finished file or folder into its place, and removing one, on systems where a program may hold it for a moment.

Windows refuses to rename or delete what another program has open: a virus scanner, an indexer or a backup looks at each fresh
file for a moment. Trying again for two seconds is what uv, pip and Briefcase do as well.
"""

from __future__ import annotations

import os
import stat
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PAUSES_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
"""Pauses between the tries: 2 s in all."""
SHORT_PAUSES_SECONDS = PAUSES_SECONDS[:3]
"""Pauses for what may stay: 80 ms in all."""
ACCESS_DENIED = 5
NOT_EMPTY = 145
HELD = (ACCESS_DENIED, 32, 33, NOT_EMPTY)
"""Windows's codes for access denied, a sharing violation, a locked region, and a folder whose files, deleted already, stay until
the program that has them open closes them."""


def put_in_place(new: Path, target: Path, pauses: Sequence[float] = PAUSES_SECONDS) -> None:
    """Rename `new` to `target`, over a file that may be there.

    Raises:
        OSError: it can't be done, after all tries; `new` is still there.
    """
    retried(lambda: os.replace(new, target), pauses)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder to a name that is free.

    Raises:
        OSError: it can't be done, after all tries.
    """
    retried(lambda: os.rename(source, target))


def write_atomically(
    path: Path, content: bytes | str, mode: int = 0o666, pauses: Sequence[float] = PAUSES_SECONDS
) -> None:
    """Write a file, in UTF-8 if it is a text, whole or not at all; the umask lessens its `mode`.

    Raises:
        OSError: it can't be written; what was there is as it was.
    """
    unfinished = path.with_name(f".{uuid.uuid4().hex}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(unfinished, flags, mode), "wb") as file:
            file.write(content.replace("\n", os.linesep).encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # its name promises its content, also after a power cut
        put_in_place(unfinished, path, pauses)
    finally:
        discard(unfinished)


def discard(path: Path) -> None:
    """Delete a temporary file if it can be deleted: its writer has its result already, good or bad."""
    with suppress(OSError):
        retried(lambda: path.unlink(missing_ok=True), SHORT_PAUSES_SECONDS)


def delete(path: Path) -> None:
    """Delete a file, or do nothing when it is not there.

    Raises:
        OSError: it can't be deleted, after all tries.
    """
    retried(lambda: path.unlink(missing_ok=True))


def delete_now(path: Path) -> None:
    """Delete a file in one try, also one that Windows has marked as read-only.

    Raises:
        FileNotFoundError: it is not there.
        OSError: it can't be deleted, and is as it was.
    """
    try:
        path.unlink()
    except PermissionError as error:
        mode = _mode_of(path) if getattr(error, "winerror", None) == ACCESS_DENIED else None
        if mode is None or mode & stat.S_IWRITE:
            raise
        path.chmod(mode | stat.S_IWRITE)
        try:
            path.unlink()
        except OSError:
            path.chmod(mode)
            raise


def delete_all(paths: Iterable[Path]) -> dict[Path, OSError]:
    """Delete files, also read-only ones, with one wait for all that other programs hold.

    Returns:
        The files that stay, each with the reason.
    """
    for pause in (*PAUSES_SECONDS, None):
        stay: dict[Path, OSError] = {}
        for path in paths:
            try:
                with suppress(FileNotFoundError):
                    delete_now(path)
            except OSError as error:
                stay[path] = error
        if pause is None or not any(map(is_held, stay.values())):
            break
        time.sleep(pause)
        paths = stay
    return stay


def _mode_of(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_mode
    return None


def retried(action: Callable[[], T], pauses: Sequence[float] = PAUSES_SECONDS) -> T:
    """Run an action again while another program holds its file, after each of these pauses.

    Raises:
        OSError: the last try's.
    """
    for pause in pauses:
        try:
            return action()
        except OSError as error:  # for a folder that is not empty it is no PermissionError
            if not is_held(error):
                raise
            time.sleep(pause)
    return action()


def is_held(error: OSError) -> bool:
    """Return True for an error that says another program has the file open."""
    return getattr(error, "winerror", None) in HELD
