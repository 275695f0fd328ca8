"""Replaces, moves and deletes files and folders, with retries while another program holds them.

Windows refuses to rename or delete a file that another program has open: a virus scanner, an indexer or a backup opens each new
file for a moment. uv, pip and Briefcase also retry for two seconds.
"""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import TypeVar

T = TypeVar("T")
PAUSES_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
"""Pauses between attempts, 2 s in total."""
SHORT_PAUSES_S = PAUSES_S[:3]
"""Pauses for files that may remain, 80 ms in total."""
ACCESS_DENIED = 5
NOT_EMPTY = 145
HELD = (ACCESS_DENIED, 32, 33, NOT_EMPTY)
"""Windows's error codes for access denied, a sharing violation, a locked region, and a folder whose deleted files remain until
the program that has them open closes them."""


def put_in_place(new: Path, target: Path, pauses: Sequence[float] = PAUSES_S) -> None:
    """Rename `new` to `target`, replacing an existing file.

    Raises:
        OSError: all attempts failed; `new` still exists.
    """
    retried(lambda: os.replace(new, target), pauses)


def put_in_free_place(new: Path, target: Path, pauses: Sequence[float] = PAUSES_S) -> None:
    """Rename `new` to `target`, which must not exist.

    Raises:
        FileExistsError: it exists; both files are unchanged.
        OSError: all attempts failed; `new` still exists.
    """
    try:
        os.link(new, target)  # fails if the target exists; a rename would replace it, except on Windows
    except FileExistsError:
        raise
    except OSError:  # not every file system has hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        retried(lambda: os.rename(new, target), pauses)
    else:
        discard(new)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder to an unused name.

    Raises:
        OSError: all attempts failed.
    """
    retried(lambda: os.rename(source, target))


def write_atomically(path: Path, content: bytes | str, mode: int = 0o666, pauses: Sequence[float] = PAUSES_S) -> None:
    """Write a file atomically, text in UTF-8. The umask applies to `mode`.

    Raises:
        OSError: the file can't be written; an existing file is unchanged.
    """
    in_bytes = content.replace("\n", os.linesep).encode() if isinstance(content, str) else content
    write_parts_atomically(path, [in_bytes], path.with_name(f".{uuid.uuid4().hex}.tmp"), mode, pauses)


def write_parts_atomically(
    path: Path,
    parts: Iterable[bytes],
    unfinished: Path,
    mode: int = 0o666,
    pauses: Sequence[float] = PAUSES_S,
) -> None:
    """Write a file atomically, one part after the other. The umask applies to `mode`.

    The parts may come from the existing file, if it is closed after the last one. `unfinished` is a new file in the same folder.

    Raises:
        OSError: the file can't be written; an existing file is unchanged.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(unfinished, flags, mode), "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())  # once it has its name, its content must survive a power failure
        put_in_place(unfinished, path, pauses)
    finally:
        discard(unfinished)


def discard(path: Path) -> None:
    """Delete a temporary file if possible, and ignore a failure, which does not change the writer's result."""
    with suppress(OSError):
        retried(lambda: path.unlink(missing_ok=True), SHORT_PAUSES_S)


def delete(path: Path) -> None:
    """Delete a file if it exists.

    Raises:
        OSError: all attempts failed.
    """
    retried(lambda: path.unlink(missing_ok=True))


def delete_now(path: Path) -> None:
    """Delete a file without retries, even one that is read-only on Windows.

    Raises:
        FileNotFoundError: the file does not exist.
        OSError: the file can't be deleted; it is unchanged.
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
    for pause in (*PAUSES_S, None):
        stay: dict[Path, OSError] = {}
        for path in paths:
            try:
                with suppress(FileNotFoundError):
                    delete_now(path)
            except OSError as error:
                stay[path] = error
        if pause is None or not any(map(is_held, stay.values())):
            break
        sleep(pause)
        paths = stay
    return stay


def _mode_of(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_mode
    return None


def retried(action: Callable[[], T], pauses: Sequence[float] = PAUSES_S) -> T:
    """Run an action and return its result. While another program holds the file, retry after each of these pauses.

    Raises:
        OSError: the error of the last attempt, or one that is not worth a retry.
    """
    for pause in pauses:
        try:
            return action()
        except OSError as error:  # for a folder that is not empty it isn't a PermissionError
            if not is_held(error):
                raise
            sleep(pause)
    return action()


def is_held(error: OSError) -> bool:
    """Return whether an error means that another program has the file open."""
    return getattr(error, "winerror", None) in HELD
