"""The images that a task's parameters refer to, as arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ....images.codecs.decoding import NotAnImage, mask_rgb, read_rgb, upright_size
from ....tasks.ports.engine import ParameterError

T = TypeVar("T")


class ImageFiles:
    """Reads images by their references. Each method raises `ParameterError` if the image is missing or can't be read."""

    def __init__(self, find: Callable[[str], Path]) -> None:
        """Store the look-up. `find` returns the file of a reference; it may raise `FileNotFoundError`."""
        self._find = find

    def find(self, reference: str) -> Path:
        """Return the file of an image, without reading it."""
        return self._read(reference, lambda path: path)

    def rgb(self, reference: str) -> Any:
        """Return an image as RGB."""
        return self._read(reference, read_rgb)

    def mask(self, reference: str) -> Any:
        """Return a mask as RGB."""
        return self._read(reference, mask_rgb)

    def size(self, reference: str) -> tuple[int, int]:
        """Return an image's width and height; reads its header only."""
        return self._read(reference, lambda path: upright_size(path.read_bytes()))

    def _read(self, reference: str, read: Callable[[Path], T]) -> T:
        try:
            return read(self._find(reference))
        except (OSError, NotAnImage) as error:
            raise ParameterError(f"{reference} can't be read: {error}") from error
