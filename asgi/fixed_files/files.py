"""A folder's files in memory, with their media types and validators."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".yml": "text/plain; charset=utf-8",
}
"""Ending → media type. Fixed, as Windows's registry may define others. Files with other endings are not served."""


@dataclass(frozen=True)
class FixedFile:
    """A file as it is sent: its content, its media type and its validator, a quoted hash."""

    content: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, content: bytes, ending: str) -> FixedFile:
        """Return the file with this content and this ending, as in `.js`."""
        return cls(content, MEDIA_TYPES[ending], f'"{digest(content)}"')


def read_folder(folder: Path) -> dict[str, FixedFile]:
    """Return path in the folder → file, of all files below it that are served.

    Raises:
        OSError: a file can't be read.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES and path.is_file())
    return {path.relative_to(folder).as_posix(): FixedFile.of(path.read_bytes(), path.suffix) for path in paths}


def digest(content: bytes) -> str:
    """Return 80 bits of the content's SHA-256, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:20]
