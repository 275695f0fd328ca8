"""Finds image files of the outputs folder by the paths in records and in the file journal, for deletion."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def image_in(folder: Path, relative: str) -> Path | None:
    """Return the absolute path of an image, None if it is outside the folder, hidden, or not an image file."""
    parts = PurePosixPath(relative).parts
    if not parts or any(part.startswith(".") for part in parts) or not relative.lower().endswith(SUFFIXES):
        return None
    try:
        path = (folder / relative).resolve()
        if not path.is_relative_to(folder.resolve()):
            return None
    except (OSError, ValueError, RuntimeError):
        return None
    try:
        return None if path.is_dir() else path
    except OSError:  # the drive is missing or access to the folder denied: it may be an image
        return path
