"""Which files the WebUI needs from Gradio's `/file=`, which by itself gives out all of the checkout.

Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5 with gradio 3.41.2: the page loads its scripts and styles, the
styles' samples, the notification's sound, results from the outputs and copies of them from the temp folder, and log.html.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

from ..files.paths import drives, is_hidden, is_on
from ..tasks.servable import regular_file, resolved
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
"""Folder of the checkout → kinds of files in it that a page may load."""
SOUND_NAMES = frozenset({"notification.mp3", "notification.ogg"})
"""What Fooocus plays when it is done, where somebody put one."""

LOOKUPS = LateCalls("fooocus-api-file", most_threads=16, within_s=10)
"""Looks at the disk, which may be a share that answers late."""


class WebFiles:
    """Says of a path, as it stands behind `/file=`, whether the WebUI needs it."""

    def __init__(self, checkout: Path, places: Callable[[], tuple[Path, Path]] | None = None) -> None:
        """`places` gives the host's outputs folder and temp folder; by default `modules.config` tells."""
        self._named = checkout
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

    async def refusal_in_time(self, text: str) -> tuple[int, str] | None:
        """Return the same, asked off the event loop; 503 when the disk does not answer."""
        try:
            return await LOOKUPS.call(self.refusal, text)
        except TimeoutError:
            return 503, "the disk of this file does not answer; try again later"

    def allows(self, text: str) -> bool:
        """Return True for what the WebUI needs. Relative paths are of the checkout, where the host runs.

        Links are followed first, so that none leads away.
        """
        named = (*self._places(), self._named, Path.cwd())
        outputs, temp, checkout, here = (resolved(folder) for folder in named)
        if outputs is None or temp is None or checkout is None or here is None:
            return False
        # Gradio names files as the host does, by the letter of a mapped drive; resolved they lie on the share behind it.
        if not may_be_looked_at(text, (*named, outputs, temp, checkout, here)):
            return False
        path = resolved(Path(text))
        rooms = [(outputs, IMAGES | {LOG}), (temp, IMAGES | SOUNDS)]
        rooms += [((checkout / name).resolve(), kinds) for name, kinds in OF_THE_CHECKOUT.items()]
        return path is not None and (is_given(path, rooms) or (path.parent == checkout and path.name in SOUND_NAMES))


def may_be_looked_at(text: str, folders: Iterable[PurePath]) -> bool:
    """Return True for a path without a drive or on one that the folders are on: another machine would learn who asks there."""
    known = list(folders)
    try:
        return is_on(type(known[0])(text), drives(known))
    except ValueError:
        return False


def is_given(path: PurePath, rooms: Iterable[tuple[PurePath, frozenset[str]]]) -> bool:
    """Return True for a file in one of the folders that is not hidden and has one of its endings or names."""
    return any(
        path.is_relative_to(room) and not is_hidden(path, room) and bool({path.suffix.lower(), path.name} & kinds)
        for room, kinds in rooms
    )


def _places() -> tuple[Path, Path]:
    config = importlib.import_module("modules.config")
    return Path(config.path_outputs), Path(config.temp_path)
