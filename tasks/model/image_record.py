"""The record of an image that a task has generated."""

from __future__ import annotations

from typing import Any

from ...images.codecs.file_headers import read_header
from ...images.references import ImageReference
from .gaps import Gaps
from .json_values import json_value
from .task import Image

MAX_PATH_LENGTH = 512
"""Characters of the database's column."""
MAX_SEED = 2**63 - 1


def image_record(path: str, relative: str, metadata: Any, gaps: Gaps, *, kept: bool = True) -> Image:
    """Return an image file's record: its size and format from its header, its seed from the host's logged metadata.

    Parts that can't be read are left out, and named in `gaps`.
    """
    name = str(ImageReference.output(relative))
    header = gaps.attempt(f"{name}: size and format unknown", lambda: read_header(path), None)
    nothing: dict[str, Any] = {}
    logged = gaps.attempt(f"{name}: parameters unknown", lambda: dict(json_value(dict(metadata))), nothing)
    return Image(
        relative,
        logged,
        gaps.attempt(f"{name}: seed unknown", lambda: _seed(logged), None),
        header.width if header else None,
        header.height if header else None,
        header.format if header else None,
        kept,
    )


def _seed(metadata: dict[str, Any]) -> int | None:
    text = str(metadata.get("seed", ""))
    if not (text.isascii() and text.isdigit()):
        return None
    if len(text) > 19 or int(text) > MAX_SEED:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)
