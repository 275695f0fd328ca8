"""Which files the WebUI needs from Gradio's `/file=`, which by itself gives out all of the checkout.

Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5 with gradio 3.41.2: the page loads its scripts and styles, the
styles' samples, the notification's sound, results from the outputs and copies of them from the temp folder, and log.html.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path

from ..tasks.servable import regular_file, resolved

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
"""Folder of the checkout → kinds of files in it that a page may load."""
SOUND_NAMES = frozenset({"notification.mp3", "notification.ogg"})
"""What Fooocus plays when it is done, where somebody put one."""


class WebFiles:
    """Says of a path, as it stands behind `/file=`, whether the WebUI needs it."""

    def __init__(self, checkout: Path, places: Callable[[], tuple[Path, Path]] | None = None) -> None:
        """`places` gives the host's outputs folder and temp folder; by default `modules.config` tells."""
        self._checkout = checkout.resolve()
        self._places = places or _places

    def refusal(self, text: str) -> tuple[int, str] | None:
        """Return status and reason with which a path is refused, None when its file is given out.

        A path that leads nowhere is left to Gradio, which answers 404. What is there and is no regular file is none: Gradio
        would wait for a FIFO for ever, and fail on a link in a circle.
        """
        if not self.allows(text):
            return 403, "this is not a file that the WebUI needs"
        path = Path(text)
        if os.path.lexists(path) and regular_file(path, [Path(path.anchor or ".")]) is None:
            return 404, "there is no such file"
        return None

    def allows(self, text: str) -> bool:
        """Return True for what the WebUI needs. Relative paths are of the checkout, where the host runs.

        Links are followed first, so that none leads away.
        """
        outputs, temp = (resolved(folder) for folder in self._places())
        here = resolved(Path())
        if outputs is None or temp is None or here is None:
            return False
        drives = {path.drive.lower() for path in (outputs, temp, self._checkout, here)}
        try:
            drive = Path(text).drive.lower()
        except ValueError:
            return False
        path = resolved(Path(text)) if drive in drives | {""} else None
        if path is None:
            return False  # on Windows another machine would learn who asks there
        kind = path.suffix.lower()
        rooms = [(outputs, kind in IMAGES or path.name == LOG), (temp, kind in IMAGES | SOUNDS)]
        rooms += [((self._checkout / name).resolve(), kind in kinds) for name, kinds in OF_THE_CHECKOUT.items()]
        if path.parent == self._checkout and path.name in SOUND_NAMES:
            return True
        return any(wanted and path.is_relative_to(room) and _is_plain(path, room) for room, wanted in rooms)


def _is_plain(path: Path, folder: Path) -> bool:
    return not any(part.startswith(".") for part in path.relative_to(folder).parts)


def _places() -> tuple[Path, Path]:
    config = importlib.import_module("modules.config")
    return Path(config.path_outputs), Path(config.temp_path)
