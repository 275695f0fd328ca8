"""Makes thumbnails of generated images, each once, and keeps them in a cache on disk."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ...files.replacing import SHORT_PAUSES_SECONDS, retried
from ..codecs.decoding import orientation
from ..codecs.file_headers import opened
from .disk_cache import DiskCache
from .rendering import NoThumbnail, rendered
from .sizes import Box, Size

VERSION = 1
"""Part of each name; to be raised when thumbnails get other pixels."""
AT_ONCE = 2
"""Thumbnails that are made at the same time."""
MAX_WAITING = 128
"""Thumbnails that may be made or wait for it; further ones are refused."""
EXTENSIONS = {"WEBP": "webp", "JPEG": "jpg", "PNG": "png"}
_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


class TooManyThumbnails(Exception):
    """No further thumbnail may wait."""


@dataclass(frozen=True)
class Source:
    """An image file as its header describes it. `relative` is its path in the outputs folder, with forward slashes."""

    path: Path
    relative: str
    size: Size
    has_alpha: bool
    version: str
    """Differs for each content of the file."""

    @classmethod
    def read(cls, path: Path, relative: str) -> Source:
        """Read an image's header.

        Raises:
            NoThumbnail: the file is broken.
            OSError: the file can't be read.
        """
        status = path.stat()
        try:
            with open(path, "rb") as file, opened(file) as picture:
                width, height = picture.size
                # For a PNG without EXIF data Pillow would decode the whole image in search of them.
                may_turn = picture.format != "PNG" or "exif" in picture.info
                turned = may_turn and orientation(picture) in (5, 6, 7, 8)
                has_alpha = picture.mode in _WITH_ALPHA or "transparency" in picture.info
        except OSError as error:
            if error.errno is not None:
                raise
            raise NoThumbnail(f"image is broken: {error}") from error  # an error of Pillow's own
        except Exception as error:  # Pillow's decoders raise any exception
            raise NoThumbnail(f"image is broken: {error}") from error
        size = (height, width) if turned else (width, height)
        return cls(path, relative, size, has_alpha, f"{status.st_mtime_ns:x}-{status.st_size:x}")


@dataclass(frozen=True)
class Thumbnail:
    """A thumbnail to be made of an image, in `PNG`, `JPEG` or `WEBP`."""

    source: Source
    box: Box
    image_format: str

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self.box.fit(self.source.size)

    @property
    def extension(self) -> str:
        """The extension of its file, without a dot."""
        return EXTENSIONS[self.image_format]

    @property
    def name(self) -> str:
        """The name of its file in the cache, which identifies its bytes."""
        sides = "x".join(map(str, self.size))
        return f"{_prefix(self.source.relative)}{self.source.version}-{sides}-v{VERSION}.{self.extension}"


class Thumbnails:
    """The thumbnails of the outputs. Requests for the same one share one thumbnail, and two are made at once.

    Args:
        cache: where to keep them; None to make each again.
        max_waiting: the number of thumbnails that may be made or wait for it.
    """

    def __init__(self, cache: DiskCache | None = None, max_waiting: int = MAX_WAITING) -> None:
        self._cache = cache
        self._max_waiting = max_waiting
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fooocus-api-thumbnails")
        self._lock = threading.Lock()
        self._making: dict[str, Future[bytes]] = {}

    def cached(self, thumbnail: Thumbnail) -> bytes | None:
        """Return a thumbnail's file if it has been made."""
        return None if self._cache is None else self._cache.get(thumbnail.name)

    def make(self, thumbnail: Thumbnail) -> Future[bytes]:
        """Return the future content of a thumbnail's file; it may be that of another request, so don't cancel it.

        It raises NoThumbnail if the image can't have one, and OSError if the image can't be read.

        Raises:
            TooManyThumbnails: as many thumbnails wait as are allowed.
        """
        with self._lock:
            making = self._making.get(thumbnail.name)
            if making is None:
                if len(self._making) >= self._max_waiting:
                    raise TooManyThumbnails
                making = self._making[thumbnail.name] = self._threads.submit(self._make, thumbnail)
        return making

    def forget(self, relatives: Iterable[str]) -> None:
        """Delete the thumbnails of images, which are named by their paths in the outputs folder. Off the event loop."""
        if self._cache is not None:
            for relative in relatives:
                self._cache.remove(_prefix(relative))

    def _make(self, thumbnail: Thumbnail) -> bytes:
        try:
            if (known := self.cached(thumbnail)) is not None:
                return known
            source = thumbnail.source
            content = retried(source.path.read_bytes, SHORT_PAUSES_SECONDS)
            made = rendered(content, source.size[0] * source.size[1], thumbnail.box, thumbnail.image_format)
            if self._cache is not None:
                self._cache.put(thumbnail.name, made)
                if not source.path.exists():  # deleted in between
                    self.forget([source.relative])
            return made
        finally:
            with self._lock:
                self._making.pop(thumbnail.name, None)


def _prefix(relative: str) -> str:
    """Return the beginning of the names of an image's thumbnails. Windows ignores the case of paths."""
    path = os.path.normcase(relative).encode("utf-8", "surrogatepass")
    return f"{hashlib.sha256(path).hexdigest()[:32]}-"
