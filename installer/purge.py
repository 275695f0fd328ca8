"""Deletes what the API drew and remembers, and nothing else. Called by uninstall.py.

Reads the database with sqlite3 alone: the extension's own packages may be gone or of another version by now.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ..files.replacing import delete, move
from .errors import InstallError
from .package import CLOSE_IT, remove_tree

NOT_OURS = "('webui', 'imported')"
"""Sources of tasks that the API did not draw."""
IMAGES = f"""
SELECT path FROM task_image JOIN task ON task.id = task_image.task_id WHERE source NOT IN {NOT_OURS}
EXCEPT SELECT path FROM task_image JOIN task ON task.id = task_image.task_id WHERE source IN {NOT_OURS}
"""  # nosec B608  # a constant


def history_of(outputs: Path) -> Path:
    """Return the folder of the history in an outputs folder."""
    return outputs / ".fooocus_api"


def require_unused(history: Path) -> None:
    """Make sure that no Fooocus has the history open: each holds the lock file beside its database for as long as it runs.

    Raises:
        InstallError: one has.
    """
    for lock in history.glob("*.lock"):
        if _is_held(lock):
            raise InstallError(f"a running Fooocus uses the history {history}; stop it and purge again")


def _is_held(lock: Path) -> bool:
    """Return whether a process holds a lock file, in the way that filelock has it held."""
    try:
        file = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    except PermissionError:  # on Windows one that is held may not even be opened
        return sys.platform == "win32"
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def purge_history(outputs: Path) -> tuple[int, bool]:
    """Delete the images of the API's tasks, then the history. Those of the WebUI and of an imported history stay.

    Returns:
        The number of images deleted, and whether there was a history.

    Raises:
        InstallError: the history can't be read or something can't be deleted.
    """
    history = history_of(outputs)
    if not history.is_dir():
        return 0, False
    require_unused(history)
    try:
        images = {image for database in history.glob("*.sqlite3") for image in _images(database, outputs)}
        kept = list(filter(None, map(_kept, images)))
        if kept:  # the history stays too, or nothing would know them any more
            raise InstallError(f"{len(kept)} of {len(images)} images can't be deleted; {CLOSE_IT}: {kept[0]}")
        purged = history.with_name(f"{history.name}.purged")
        remove_tree(purged)
        move(history, purged)  # at once: of a file that is open there, Windows lets the folder's name stay
        remove_tree(purged, ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        raise InstallError(f"{history} can't be purged: {error}. Is Fooocus still running?") from error
    return len(images), True


def _kept(image: Path) -> OSError | None:
    """Delete an image, or return why it stays."""
    try:
        delete(image)
    except OSError as error:
        return error
    return None


def _images(database: Path, outputs: Path) -> Iterator[Path]:
    """The image files that the API's tasks list and that are still there, none outside the outputs folder."""
    with closing(sqlite3.connect(database)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "task_image" in tables:
            paths = [path for (path,) in connection.execute(IMAGES)]
        elif "task" in tables:  # schema 1, in the copy that an upgrade leaves
            found = connection.execute(f"SELECT images FROM task WHERE source NOT IN {NOT_OURS}")  # nosec B608
            paths = [image["path"] for (images,) in found for image in json.loads(images)]
        else:
            return
        for relative in paths:
            path = (outputs / relative).resolve()
            if path.is_file() and path.is_relative_to(outputs):
                yield path
