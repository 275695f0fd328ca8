"""A preview picture, encoded at most once, when the first listener asks, and never on the worker thread."""

from __future__ import annotations

import base64
import io
import threading
from typing import Any

from PIL import Image as PILImage


class PreviewImage:
    """Holds the host's uint8 array of HxWx3 as it came. Any thread may ask for its encodings."""

    __slots__ = ("_array", "_png")

    def __init__(self, array: Any) -> None:
        self._array = array
        self._png: bytes | None = None

    def png(self) -> bytes:
        """The picture as PNG; costs some milliseconds the first time, so call it off the event loop."""
        with _encoding:
            if self._png is None:
                buffer = io.BytesIO()
                PILImage.fromarray(self._array).save(buffer, "PNG", compress_level=1)
                self._png = buffer.getvalue()
                self._array = None
        return self._png

    def base64(self) -> str:
        """The PNG as bare base64 text."""
        return base64.b64encode(self.png()).decode("ascii")


_encoding = threading.Lock()
