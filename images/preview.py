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
SIZES = (16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
"""The sizes of previews: each is encoded at most once for each format, for any number of subscribers."""


def stepped(size: int) -> int:
    """Return the largest of `SIZES` that is not above `size`."""
    return max((step for step in SIZES if step <= size), default=SIZES[0])


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
            if encoding.size is not None and encoding.size >= self._longest():
                encoding = Encoding(encoding.format)
            if encoding not in self._encoded:
                self._encoded[encoding] = base64.b64encode(self._encode(encoding)).decode("ascii")
            return self._encoded[encoding]

    def data_uri(self, encoding: Encoding = PNG) -> str:
        """Return the encoded picture as a data URI."""
        return f"data:image/{encoding.format};base64,{self.base64(encoding)}"

    def small_jpeg(self, longest: int, most_bytes: int) -> bytes:
        """Return the picture as a JPEG file for another process, whose longest side has at most `longest` pixels.

        A picture of which it would have more than `most_bytes` loses quality first, then size.
        """
        picture = _fitted(self._picture(), longest)
        for quality in (85, 70, 50, 30):
            file = _file(picture, "jpeg", quality=quality)
            if len(file) <= most_bytes:
                return file
        return self.small_jpeg(max(longest // 2, 1), most_bytes) if longest > 1 else file

    def _picture(self) -> PILImage.Image:
        return PILImage.fromarray(self._array)

    def _longest(self) -> int:
        return int(max(self._array.shape[:2]))

    def _encode(self, encoding: Encoding) -> bytes:
        picture = self._picture()
        if encoding.size is not None:
            picture = _fitted(picture, encoding.size)
        options = {"png": {"compress_level": 1}, "webp": {"quality": 80, "method": 0}, "jpeg": {"quality": 85}}
        return _file(picture, encoding.format, **options[encoding.format])


class ReceivedPreview(PreviewImage):
    """A preview that another process has sent as a JPEG file. It is decoded only for another encoding. Thread-safe."""

    __slots__ = ("_file",)

    def __init__(self, file: bytes) -> None:
        super().__init__(None)
        self._file = file

    def _picture(self) -> PILImage.Image:
        with PILImage.open(io.BytesIO(self._file), formats=("JPEG",)) as picture:
            converted: PILImage.Image = picture.convert("RGB")
            return converted

    def _encode(self, encoding: Encoding) -> bytes:
        if encoding.format == "jpeg" and encoding.size is None:
            return self._file
        return super()._encode(encoding)

    def _longest(self) -> int:
        with PILImage.open(io.BytesIO(self._file), formats=("JPEG",)) as picture:  # reads the header only
            return int(max(picture.size))


def _fitted(picture: PILImage.Image, longest: int) -> PILImage.Image:
    if max(picture.size) > longest:
        picture.thumbnail((longest, longest), PILImage.Resampling.BILINEAR)
    return picture


def _file(picture: PILImage.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
