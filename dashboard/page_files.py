"""The files of the page in memory, and the version that their addresses have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..asgi.fixed_files.files import FixedFile, digest, read_folder

FOLDER = Path(__file__).parent
ASSETS = FOLDER / "assets"
SHELL = "index.html"
LINK = FOLDER / "webui_link.js"
PLACEHOLDER = b"{{assets}}"
"""The text of the shell that stands for the address of the assets, relative to the shell's own."""


@dataclass(frozen=True)
class PageFiles:
    """All files of the page.

    `shells` has the page at `/dashboard` and at `/dashboard/`, which differ in the relative address of the assets; `assets` has
    those below `/dashboard/assets/<version>/` by their path.
    """

    shells: dict[str, FixedFile]
    assets: dict[str, FixedFile]
    version: str
    link: FixedFile


def read_page_files(assets: Path = ASSETS) -> PageFiles:
    """Return the files of the page, read from the disk.

    Raises:
        OSError: a file can't be read.
    """
    files = read_folder(assets)
    version = digest(b"".join(name.encode() + b"\0" + file.etag.encode() for name, file in files.items()))
    shell = files.pop(SHELL).content
    addresses = {"/dashboard": f"dashboard/assets/{version}", "/dashboard/": f"assets/{version}"}
    shells = {path: FixedFile.of(shell.replace(PLACEHOLDER, at.encode()), ".html") for path, at in addresses.items()}
    return PageFiles(shells, files, version, FixedFile.of(LINK.read_bytes(), ".js"))
