"""Which files the WebUI needs from Gradio's `/file=`, which by itself gives out all of the checkout.

Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5 with gradio 3.41.2: the page loads its scripts and styles, the
styles' samples, the notification's sound, results from the outputs and copies of them from the temp folder, and log.html.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

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

    def allows(self, text: str) -> bool:
        """Relative paths are of the checkout, where the host runs. Links are followed first, so that none leads away."""
        try:
            outputs, temp = (folder.resolve() for folder in self._places())
            drives = {path.drive.lower() for path in (outputs, temp, self._checkout, Path())}
            if Path(text).drive.lower() not in drives:
                return False  # on Windows another machine would learn who asks there
            path = Path(text).resolve()
        except (OSError, ValueError, RuntimeError):  # a name that no file can have, or links in a circle
            return False
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
