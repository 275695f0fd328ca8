"""A preview picture, encoded at most once per requested encoding, and never on the worker thread."""

from __future__ import annotations

import base64
import io
import threading
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image as PILImage

PreviewFormat = Literal["png", "webp", "jpeg"]


@dataclass(frozen=True)
class Encoding:
    """A subscriber's encoding of previews: the format, and the longest side in pixels, None for the original size."""

    format: PreviewFormat = "png"
    size: int | None = None


PNG = Encoding()


class PreviewImage:
    """The host's uint8 array of HxWx3, encoded on demand. Thread-safe."""

    __slots__ = ("_array", "_encoded", "_lock")

    def __init__(self, array: Any) -> None:
        self._array = array
        self._encoded: dict[Encoding, str] = {}
        self._lock = threading.Lock()

    def base64(self, encoding: Encoding = PNG) -> str:
        """Return the encoded picture as base64 text. The first call takes milliseconds: off the event loop."""
        with self._lock:
            if encoding not in self._encoded:
                self._encoded[encoding] = base64.b64encode(self._encode(encoding)).decode("ascii")
            return self._encoded[encoding]

    def data_uri(self, encoding: Encoding = PNG) -> str:
        """Return the encoded picture as a data URI."""
        return f"data:image/{encoding.format};base64,{self.base64(encoding)}"

    def _encode(self, encoding: Encoding) -> bytes:
        picture = PILImage.fromarray(self._array)
        if encoding.size is not None and max(picture.size) > encoding.size:
            picture.thumbnail((encoding.size, encoding.size), PILImage.Resampling.BILINEAR)
        buffer = io.BytesIO()
        options = {"png": {"compress_level": 1}, "webp": {"quality": 80, "method": 0}, "jpeg": {"quality": 85}}
        picture.save(buffer, encoding.format, **options[encoding.format])
        return buffer.getvalue()
