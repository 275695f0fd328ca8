"""Image files of the outputs folder, by the paths that records and claims have. Used where images are deleted."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def image_in(folder: Path, relative: str) -> Path | None:
    """Return the place of an image of that path; None when it is not in the folder, hidden, or no image."""
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
    except OSError:  # a drive that is away, or a folder that may not be looked into: it may be an image
        return path
