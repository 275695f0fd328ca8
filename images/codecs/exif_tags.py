"""Reads single tags of EXIF data. Pillow's own reader copies the data of all tags, which crafted data make gigabytes."""

from __future__ import annotations

import re
from itertools import islice

from PIL import Image as PILImage

from ..complexity.directories import (
    ENTRY_BYTES,
    PREFIX,
    Tag,
    byte_order,
    number_at,
    tags_at,
)

ORIENTATION = 0x0112
MAX_TAGS = 1000
"""Tags of one directory that are looked at. Usual are 10 to 60."""
_HEADERS = (b"II*\0", b"MM\0*")
_RAW_PROFILE = "Raw profile type exif"
_XMP = "XML:com.adobe.xmp"
_IN_XMP = re.compile(r'tiff:Orientation(?:="|>)([0-9])')
_WHOLE_NUMBERS = (3, 4)
"""Types of tags with whole numbers: short and long."""
LATE = (b"eXIf", b"exif\0", _RAW_PROFILE.encode(), _XMP.encode())
"""Parts of a PNG's chunks with an orientation, which may also come after the pixels."""


def orientation(image: PILImage.Image) -> int:
    """Return a picture's EXIF orientation, 1 to 8; 1 if it has none. Broken EXIF data do not make the picture unusable."""
    block = exif_of(image)
    tag = tags_of(block).get(ORIENTATION)
    tags = getattr(image, "tag_v2", None)
    if tag is not None:
        value = tag.first if tag.kind in _WHOLE_NUMBERS else 1
    elif not block and tags is not None:  # a TIFF, which Pillow turns itself when it decodes it
        value = tags.get(ORIENTATION, 1)
    else:
        text = image.info.get(_XMP)
        found = _IN_XMP.search(text) if isinstance(text, str) else None
        value = int(found[1]) if found else 1
    return value if value in range(1, 9) else 1


def exif_of(image: PILImage.Image) -> bytes:
    """Return the EXIF data that were read of a picture so far, without their prefix; empty without any, or if they are broken."""
    block = image.info.get("exif")
    if block is None and isinstance(
        profile := image.info.get(_RAW_PROFILE), str
    ):  # ImageMagick's form of them in a PNG
        try:
            block = bytes.fromhex("".join(profile.split("\n")[3:]))
        except ValueError:
            return b""
    block = block.removeprefix(PREFIX) if isinstance(block, bytes) else b""
    return block if block.startswith(_HEADERS) else b""


def tags_of(block: bytes, at: int | None = None) -> dict[int, Tag]:
    """Return the tags of a directory in EXIF data by their numbers: of that at a place, or of the first."""
    order = byte_order(block)
    found: dict[int, Tag] = {}
    for tag in islice(tags_at(block, _first(block) if at is None else at, order), MAX_TAGS):
        if tag.end > len(block):
            break  # as Pillow does
        found[tag.number] = tag
    return found


def without_tag(block: bytes, number: int) -> bytes:
    """Return EXIF data without a tag of the first directory. All other data remain in their places."""
    order, at = byte_order(block), _first(block)
    count = number_at(block, at, 2, order)
    start, end = at + 2, at + 2 + ENTRY_BYTES * count
    if end > len(block):
        return block
    entries = [block[place : place + ENTRY_BYTES] for place in range(start, end, ENTRY_BYTES)]
    kept = [entry for entry in entries if number_at(entry, 0, 2, order) != number]
    directory = len(kept).to_bytes(2, "little" if order == "<" else "big") + b"".join(kept) + block[end : end + 4]
    gap = bytes(ENTRY_BYTES * (count - len(kept)))
    return block[:at] + directory + gap + block[end + 4 :]


def _first(block: bytes) -> int:
    return number_at(block, 4, 4, byte_order(block))
