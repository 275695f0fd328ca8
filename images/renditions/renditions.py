"""Makes renditions of generated images, such as thumbnails, each once, and keeps them in a cache on disk."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from ...files.replacing import SHORT_PAUSES_S, retried
from .disk_cache import DiskCache
from .source import Source, prefix_of

AT_ONCE = 2
"""Renditions that are made at the same time."""
MAX_WAITING = 128
"""Renditions that may be made or wait for it; further ones are refused."""
EXTENSIONS = {"WEBP": "webp", "JPEG": "jpg", "PNG": "png"}
"""Pillow's name of the format → the extension of a rendition's file, without a dot."""


class TooManyRenditions(Exception):
    """No further rendition may wait."""


class Rendition(Protocol):
    """An image that can be made of another one. `name`, that of its file, identifies its bytes."""

    @property
    def source(self) -> Source: ...

    @property
    def image_format(self) -> str: ...

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def name(self) -> str: ...

    def rendered(self, content: bytes) -> bytes:
        """Return the rendition's file, made of the content of the source's.

        Raises:
            NoRendition: the image is broken or too large.
        """


class Renditions:
    """The renditions of the outputs. Requests for the same one share one making, and two are made at once.

    Args:
        cache: where to keep them; None to make each again.
        max_waiting: the number of renditions that may be made or wait for it.
    """

    def __init__(self, cache: DiskCache | None = None, max_waiting: int = MAX_WAITING) -> None:
        self._cache = cache
        self._max_waiting = max_waiting
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fooocus-api-renditions")
        self._lock = threading.Lock()
        self._making: dict[str, Future[bytes]] = {}

    def cached(self, rendition: Rendition) -> bytes | None:
        """Return a rendition's file if it has been made."""
        return None if self._cache is None else self._cache.get(rendition.name)

    def make(self, rendition: Rendition, *, may_refuse: bool = True) -> Future[bytes]:
        """Return the future content of a rendition's file; it may be that of another request, so don't cancel it.

        It raises NoRendition if the image can't have one, and OSError if the image can't be read.

        Args:
            may_refuse: not set for the answer to a request that has generated the image: a full queue must not make it useless,
                and the tasks bound the number of such requests.

        Raises:
            TooManyRenditions: as many renditions wait as are allowed.
        """
        with self._lock:
            making = self._making.get(rendition.name)
            if making is None:
                if may_refuse and len(self._making) >= self._max_waiting:
                    raise TooManyRenditions
                making = self._making[rendition.name] = self._threads.submit(self._make, rendition)
        return making

    def forget(self, relatives: Iterable[str]) -> None:
        """Delete the renditions of images, which are named by their paths in the outputs folder. Off the event loop."""
        if self._cache is not None:
            for relative in relatives:
                self._cache.remove(prefix_of(relative))

    def _make(self, rendition: Rendition) -> bytes:
        try:
            if (known := self.cached(rendition)) is not None:
                return known
            source = rendition.source
            made = rendition.rendered(retried(source.path.read_bytes, SHORT_PAUSES_S))
            if self._cache is not None:
                self._cache.put(rendition.name, made)
                if not source.path.exists():  # deleted in between
                    self.forget([source.relative])
            return made
        finally:
            with self._lock:
                self._making.pop(rendition.name, None)
