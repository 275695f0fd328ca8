"""Finds image files by name, only in the folders of images."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ...files.paths import is_file_name, is_hidden
from ...files.served_files import regular_file, resolved
from ..file_kinds import format_of


def output_file(folders: list[Path], relative: PurePosixPath) -> Path | None:
    """Return the image of that date and name, None if these folders have none.

    A path that leads out of the folder is not accessed: on Windows that could contact another machine and disclose the user.
    """
    if not all(is_file_name(part) for part in relative.parts):
        return None
    for folder in folders:
        path = regular_file(folder.joinpath(*relative.parts), [folder])
        room = resolved(folder)
        if path is not None and room is not None and format_of(path) and not is_hidden(path, room):
            return path
    return None


def relative_to(folders: list[Path], path: str) -> str | None:
    """Return a path relative to the first of these folders that it is in, with forward slashes, None outside of all."""
    for folder in folders:
        try:
            return Path(path).resolve().relative_to(folder.resolve()).as_posix()
        except ValueError:
            continue
    return None
