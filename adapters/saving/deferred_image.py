"""Stand-ins for `PIL.Image` and its images, whose `save` can be done later on another thread with the same result."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy
from PIL import Image as PILImage

Defer = Callable[[str, int, Callable[[], None]], bool]
"""Takes the path of an image, its bytes in memory and the function that saves it. Returns False if it can't be saved later."""


class DeferringPillow:
    """The module `PIL.Image`, but `fromarray` returns a `DeferredImage` where `deferral` returns a function to defer with."""

    def __init__(self, deferral: Callable[[], Defer | None]) -> None:
        self._deferral = deferral

    def __getattr__(self, name: str) -> Any:
        return getattr(PILImage, name)

    def fromarray(self, obj: Any, *args: Any, **options: Any) -> Any:
        """Return the image of an array, as `PIL.Image.fromarray` does."""
        defer = self._deferral()
        if defer is None or args or options or not _is_picture(obj):
            return PILImage.fromarray(obj, *args, **options)
        return DeferredImage(numpy.array(obj, order="C"), defer)  # a copy: the host may change its array at once


class DeferredImage:
    """An image of an array. Unless it was used before, its `save` is handed to `defer`; all else is done by the real image."""

    _array: Any
    _defer: Defer
    _image: Any

    def __init__(self, array: Any, defer: Defer) -> None:
        vars(self).update(_array=array, _defer=defer, _image=None)

    def save(self, fp: Any, *args: Any, **options: Any) -> None:
        """Save the image, as `PIL.Image.Image.save` does, perhaps later."""
        if self._image is None and isinstance(fp, str | os.PathLike) and isinstance(path := os.fspath(fp), str):
            later = partial(_save, self._array, fp, args, options)
            if self._defer(os.path.abspath(path), self._array.nbytes, later):
                return
        self._real().save(fp, *args, **options)

    def _real(self) -> Any:
        if self._image is None:
            vars(self).update(_image=PILImage.fromarray(self._array))
        return self._image

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real(), name, value)

    def __enter__(self) -> Any:
        return self._real().__enter__()

    def __exit__(self, *error: Any) -> Any:
        return self._real().__exit__(*error)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._real().__reduce_ex__(protocol)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return PILImage.Image


def _save(array: Any, fp: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    PILImage.fromarray(array).save(fp, *args, **options)


def _is_picture(obj: Any) -> bool:
    """Return whether Pillow takes this array for sure: any other must raise its error where the host would see it."""
    if type(obj) is not numpy.ndarray or obj.dtype != numpy.uint8 or not obj.size:
        return False
    return obj.ndim == 2 or (obj.ndim == 3 and obj.shape[2] in (3, 4))
