"""The files of the page in memory, and the version that their addresses have."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
ASSETS = FOLDER / "assets"
SHELL = "index.html"
LINK = FOLDER / "webui_link.js"
PLACEHOLDER = b"{{assets}}"
"""The text of the shell that stands for the address of the assets, relative to the shell's own."""
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
}
"""Ending → media type. Fixed, as Windows's registry may define others. Files with other endings are not served."""


@dataclass(frozen=True)
class PageFile:
    """A file as it is sent: its content, its media type and its validator, a quoted hash."""

    content: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, content: bytes, ending: str) -> PageFile:
        """Return the file with this content and this ending, as in `.js`."""
        return cls(content, MEDIA_TYPES[ending], f'"{_digest(content)}"')


@dataclass(frozen=True)
class PageFiles:
    """All files of the page.

    `shells` has the page at `/dashboard` and at `/dashboard/`, which differ in the relative address of the assets; `assets` has
    those below `/dashboard/assets/<version>/` by their path.
    """

    shells: dict[str, PageFile]
    assets: dict[str, PageFile]
    version: str
    link: PageFile


def read_page_files(assets: Path = ASSETS) -> PageFiles:
    """Return the files of the page, read from the disk.

    Raises:
        OSError: a file can't be read.
    """
    paths = sorted(path for path in assets.rglob("*") if path.suffix in MEDIA_TYPES and path.is_file())
    contents = {path.relative_to(assets).as_posix(): path.read_bytes() for path in paths}
    names = b"".join(name.encode() + b"\0" + _digest(content).encode() for name, content in contents.items())
    version = _digest(names)
    shell = contents.pop(SHELL)
    addresses = {"/dashboard": f"dashboard/assets/{version}", "/dashboard/": f"assets/{version}"}
    return PageFiles(
        {path: PageFile.of(shell.replace(PLACEHOLDER, at.encode()), ".html") for path, at in addresses.items()},
        {name: PageFile.of(content, Path(name).suffix) for name, content in contents.items()},
        version,
        PageFile.of(LINK.read_bytes(), ".js"),
    )


def _digest(content: bytes) -> str:
    """Return 80 bits of the content's SHA-256, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:20]
