"""Images in requests and answers: files are sent as base64, previews come as data URIs."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any, Optional

from ..schema.image_source import ImageSource
from .errors import UnexpectedAnswer


def json_value(value: Any) -> Any:
    """Return a value of a request for JSON: files as base64, at any depth.

    Raises:
        OSError: a file can't be read.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, os.PathLike):
        return base64.b64encode(Path(value).read_bytes()).decode("ascii")
    if isinstance(value, dict):
        return {name: json_value(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(one) for one in value]
    return value


def file_of(image: ImageSource) -> tuple[str, bytes]:
    """Return the name and the content of an image that is uploaded as a file. A text is a path here.

    Raises:
        OSError: the file can't be read.
    """
    if isinstance(image, bytes):
        return "image", image
    path = Path(image)
    return path.name, path.read_bytes()


def picture_of(preview: Optional[str]) -> Optional[bytes]:
    """Return the image file of a preview, which is a data URI or base64; None if there is none.

    Raises:
        UnexpectedAnswer: it is something else.
    """
    if not preview:
        return None
    try:
        return base64.b64decode(preview.rpartition(",")[2])
    except ValueError as error:  # binascii.Error is one
        raise UnexpectedAnswer(f"the server sent a picture that is no base64: {error}") from error
