"""Formats of result files by their extension."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def format_of(path: Path) -> str | None:
    """Return Pillow's name of the format for a file's extension, None for any other extension."""
    return SUFFIXES.get(path.suffix.lower())
