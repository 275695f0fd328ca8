"""Deletes the API's images and history, and nothing else.

Reads the database with sqlite3 alone: the extension's own packages may be missing or have another version.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ..files.image_paths import image_in
from ..files.replacing import delete_all, move
from .errors import InstallError
from .placement.extension_files import CLOSE_IT, remove_tree

OTHERS = ("webui", "imported")
"""Sources of tasks that the API did not generate."""


def history_of(outputs: Path) -> Path:
    """Return the folder of the history in an outputs folder."""
    return outputs / ".fooocus_api"


def require_unused(history: Path) -> None:
    """Check that no Fooocus has the history open: each holds the lock file next to its database while it runs.

    Raises:
        InstallError: one has it open.
    """
    for lock in history.glob("*.lock"):
        if _is_held(lock):
            raise InstallError(f"the history {history} is in use by a running Fooocus; stop it and try again")


def _is_held(lock: Path) -> bool:
    """Return whether a process holds a lock file in the way that filelock locks it."""
    try:
        file = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    except PermissionError:  # on Windows a locked file can't even be opened
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
    """Delete the images of the API's tasks, then the history. Images of the WebUI and of an imported history stay.

    Returns:
        The number of images deleted, and whether a history existed.

    Raises:
        InstallError: the history can't be read, or a file can't be deleted.
    """
    history = history_of(outputs)
    if not history.is_dir():
        return 0, False
    require_unused(history)
    try:
        images = _images(history, outputs)
        stay = delete_all(images)
        if stay:  # keep the history as well, or these images would become orphans
            reason = next(iter(stay.values()))
            raise InstallError(f"{len(stay)} of {len(images)} images can't be deleted; {CLOSE_IT}: {reason}")
        purged = history.with_name(f"{history.name}.purged")
        remove_tree(purged)
        move(history, purged)  # at once: on Windows an open file would keep the folder's name
        remove_tree(purged, ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        raise InstallError(f"{history} can't be purged: {error}; stop Fooocus and try again") from error
    return len(images), True


def _images(history: Path, outputs: Path) -> set[Path]:
    """Return the existing image files of the API, limited to the outputs folder.

    Tasks list them; the file journal names those left by a deletion, and those of tasks that a crash has ended.
    """
    drawn, others, ids = set[Path](), set[Path](), set[str]()
    for database in history.glob("*.sqlite3"):
        for task_id, source, relative in _recorded(database):
            if source in OTHERS:
                ids.add(task_id)
            path = (outputs / relative).resolve() if relative else outputs
            if path.is_file() and path.is_relative_to(outputs):
                (others if source in OTHERS else drawn).add(path)
    for claims in (history / "unfinished").glob("*"):
        if claims.name not in ids:
            drawn.update(_claimed(claims, outputs))
    return drawn - others


def _recorded(database: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the id and the source of each task with the path of each of its images, or without a path."""
    with closing(sqlite3.connect(database)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "task" not in tables:
            return
        if "task_image" in tables:
            question = (
                "SELECT task.task_id, source, path FROM task LEFT JOIN task_image ON task.id = task_image.task_id"
            )
            yield from connection.execute(question)
            return
        for task_id, source, images in connection.execute("SELECT task_id, source, images FROM task"):
            # schema 1, in the backup that a migration leaves
            yield from ((task_id, source, path) for path in ("", *(image["path"] for image in json.loads(images))))


def _claimed(claims: Path, outputs: Path) -> Iterator[Path]:
    """Yield the image files named in a journal file, by absolute paths or relative to the outputs folder."""
    for line in claims.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            relative = (outputs / line).resolve().relative_to(outputs).as_posix()
        except (OSError, ValueError, RuntimeError):  # in another folder, or damaged
            continue
        path = image_in(outputs, relative)
        if path is not None and path.is_file():
            yield path
