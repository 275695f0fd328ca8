"""Allow-list of the files that the WebUI needs from Gradio's `/file=`, which by itself serves the entire checkout.

Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5 with gradio 3.41.2: the page loads its scripts and styles, the
styles' samples, the notification's sound, results from the outputs and copies of them from the temp folder, and log.html.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

from ...asgi.error_codes import ErrorCode
from ...files.paths import drives, is_hidden, is_on
from ...files.served_files import regular_file, resolved
from ..host_modules import host_module
from .late_calls import LateCalls

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif"})
SOUNDS = frozenset({".mp3", ".ogg", ".opus", ".wav", ".flac", ".m4a", ".aac"})
PAGE_PARTS = frozenset({".js", ".mjs", ".css", ".map", ".woff", ".woff2", ".ttf"}) | IMAGES
LOG = "log.html"

OF_THE_CHECKOUT = {
    "javascript": PAGE_PARTS,
    "css": PAGE_PARTS,
    "sdxl_styles": IMAGES,
    "presets": IMAGES,
}
"""Folder of the checkout → file extensions that a page may load from it."""
SOUND_NAMES = frozenset({"notification.mp3", "notification.ogg"})
"""Optional sound files that Fooocus plays after a task, if the user has added one."""

LOOKUPS = LateCalls("fooocus-api-file", max_threads=16, within_s=10)
"""Looks at the disk, which may be a share that answers late."""


class FileAccess:
    """Decides whether the WebUI needs a path requested from `/file=`."""

    def __init__(
        self,
        checkout: Path,
        host_folders: Callable[[], tuple[Path, Path]] | None = None,
        make_page: Callable[[Path], None] = lambda path: None,
    ) -> None:
        """Allow files of this checkout.

        Args:
            host_folders: returns the host's outputs and temp folders.
            make_page: completes the `log.html` at a path, before it is served.
        """
        self._named = checkout
        self._host_folders = host_folders or _host_folders
        self._make_page = make_page

    def refusal(self, text: str) -> tuple[ErrorCode, str] | None:
        """Return the code and reason to refuse a path, None if its file may be served.

        A missing file is left to Gradio, which answers 404. An existing path that is not a regular file is refused: Gradio would
        block on a FIFO, and fail on a circular link.
        """
        if not self.allows(text):
            return ErrorCode.FILE_NOT_SERVED, "the file is not available; the WebUI does not need it"
        path = Path(text)
        if path.name == LOG:
            self._make_page(path)
        if os.path.lexists(path) and regular_file(path, [Path(path.anchor or ".")]) is None:
            return ErrorCode.PATH_NOT_FOUND, "there is no such file"
        return None

    async def refusal_in_time(self, text: str) -> tuple[ErrorCode, str] | None:
        """Return the same, asked off the event loop; 503 when the disk does not answer."""
        try:
            return await LOOKUPS.call(self.refusal, text)
        except TimeoutError:
            return ErrorCode.FILE_UNREADABLE, "the file's disk does not respond; try again later"

    def allows(self, text: str) -> bool:
        """Return whether the WebUI needs this path. Relative paths are relative to the checkout, the host's working directory.

        Links are resolved first, so that none leads outside.
        """
        named = (*self._host_folders(), self._named, Path.cwd())
        outputs, temp, checkout, here = (resolved(folder) for folder in named)
        if outputs is None or temp is None or checkout is None or here is None:
            return False
        # Gradio names files as the host does, by the letter of a mapped drive; a resolved path names the share instead.
        if not is_on_known_drive(text, (*named, outputs, temp, checkout, here)):
            return False
        path = resolved(Path(text))
        folders_and_kinds = [(outputs, IMAGES | {LOG}), (temp, IMAGES | SOUNDS)]
        folders_and_kinds += [((checkout / name).resolve(), kinds) for name, kinds in OF_THE_CHECKOUT.items()]
        return path is not None and (
            is_servable(path, folders_and_kinds) or (path.parent == checkout and path.name in SOUND_NAMES)
        )


def is_on_known_drive(text: str, folders: Iterable[PurePath]) -> bool:
    """Return whether a path has no drive or a drive of the folders: accessing another server would reveal this account to it."""
    known = list(folders)
    try:
        return is_on(type(known[0])(text), drives(known))
    except ValueError:
        return False


def is_servable(path: PurePath, folders_and_kinds: Iterable[tuple[PurePath, frozenset[str]]]) -> bool:
    """Return whether a file lies in one of the folders, is not hidden and has one of its extensions or names."""
    return any(
        path.is_relative_to(folder) and not is_hidden(path, folder) and bool({path.suffix.lower(), path.name} & kinds)
        for folder, kinds in folders_and_kinds
    )


def _host_folders() -> tuple[Path, Path]:
    config = host_module("modules.config")
    return Path(config.path_outputs), Path(config.temp_path)
