"""Deletes what the API drew and remembers, and nothing else. Called by uninstall.py.

Reads the database with sqlite3 alone: the extension's own packages may be gone or of another version by now.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from .errors import InstallError
from .package import remove_tree


def purge_history(outputs: Path) -> tuple[int, bool]:
    """Delete the images of the API's tasks, then the history. Images of the WebUI stay.

    Returns:
        The number of images deleted, and whether there was a history.

    Raises:
        InstallError: the history can't be read or something can't be deleted.
    """
    history = outputs / ".fooocus_api"
    if not history.is_dir():
        return 0, False
    try:
        images = {image for database in history.glob("*.sqlite3") for image in _images(database, outputs)}
        for image in images:
            image.unlink()
        remove_tree(history)
    except (OSError, sqlite3.Error) as error:
        raise InstallError(f"{history} can't be purged: {error}. Is Fooocus still running?") from error
    return len(images), True


def _images(database: Path, outputs: Path) -> Iterator[Path]:
    """The image files that the API's tasks list and that are still there, none outside the outputs folder."""
    with closing(sqlite3.connect(database)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'task'").fetchone():
            return
        for (images,) in connection.execute("SELECT images FROM task WHERE source = 'api'"):
            for image in json.loads(images):
                path = (outputs / image["path"]).resolve()
                if path.is_file() and path.is_relative_to(outputs):
                    yield path
