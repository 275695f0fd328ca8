"""Finds image files by name or reference, only in the folders of images."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from ...files.paths import is_file_name, is_hidden
from ...files.served_files import regular_file, resolved
from ..file_kinds import format_of
from ..references import ImageReference
from .input_store import InputStore, UnknownInput


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


def find_reference(output_folders: Callable[[], list[Path]], inputs: InputStore, reference: str) -> Path:
    """Return the file of a reference.

    Raises:
        FileNotFoundError: the file does not exist.
    """
    image = ImageReference.parse(reference)
    path = None
    if image is not None and image.kind == "inputs":
        with contextlib.suppress(UnknownInput):
            path = inputs.path(image.name)
    elif image is not None and image.name.count("/") == 1:
        path = output_file(output_folders(), PurePosixPath(image.name))
    if path is None:
        raise FileNotFoundError(reference)
    return path
