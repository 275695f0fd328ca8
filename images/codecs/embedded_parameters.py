"""Reads the parameters embedded in an image file, and writes them into another format in Fooocus's own encoding.

A PNG has them as text chunks, `parameters` and `fooocus_scheme`; JPEG and WebP as EXIF tags: the text in UserComment, the scheme
in MakerNote, the version in Software. Fooocus's own metadata tab reads both.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL.PngImagePlugin import PngInfo

from ..complexity.checks import problem_of
from ..complexity.directories import TEXT_TYPES, Tag
from .exif_tags import exif_of, tags_of
from .file_headers import opened

SOFTWARE, EXIF_IFD, MAKER_NOTE, USER_COMMENT = 0x0131, 0x8769, 0x927C, 0x9286
ASCII_TYPE = 2
ENTRY_BYTES, HEADER_BYTES = 12, 8
MAX_EXIF_BYTES = 65_000
"""Maximum size of an EXIF block, which in a JPEG is one segment of at most 65,533 bytes."""
CHARSETS: dict[bytes, Callable[[bytes], str]] = {
    b"ASCII\0\0\0": lambda text: text.decode("ascii", "replace"),
    b"UNICODE\0": lambda text: text.decode("utf-16-le" if text[1:2] == b"\0" else "utf-16-be", "replace"),
    b"\0\0\0\0\0\0\0\0": lambda text: text.decode("utf-8", "replace"),
}
"""Character code at the start of a UserComment in files of other programs → the decoder of the rest."""


@dataclass(frozen=True)
class EmbeddedParameters:
    """The text in the file, its scheme (`fooocus`, `a1111`, or "" if the file has none), and the software that wrote it."""

    text: str
    scheme: str = ""
    software: str = ""

    def save_options(self, image_format: str) -> dict[str, Any]:
        """Return the options with which Pillow's `save` embeds them in a PNG, JPEG or WebP, empty if they don't fit."""
        if image_format == "PNG":
            info = PngInfo()
            info.add_text("parameters", self.text)
            if self.scheme:
                info.add_text("fooocus_scheme", self.scheme)
            return {"pnginfo": info}
        block = _exif({SOFTWARE: self.software, MAKER_NOTE: self.scheme, USER_COMMENT: self.text})
        return {"exif": block} if len(block) <= MAX_EXIF_BYTES else {}


def read_parameters(content: bytes) -> EmbeddedParameters | None:
    """Return the parameters in an image file of the host's formats, None if the file has none that can be read."""
    if problem_of(content):
        return None
    try:
        with opened(io.BytesIO(content)) as image:
            return _in_text(image.info) or _in_exif(exif_of(image))
    except Exception:  # Pillow raises any exception for broken metadata
        return None


def _in_text(info: dict[Any, Any]) -> EmbeddedParameters | None:
    text = info.get("parameters")
    return EmbeddedParameters(text, str(info.get("fooocus_scheme") or "")) if isinstance(text, str) else None


def _in_exif(block: bytes) -> EmbeddedParameters | None:
    general = tags_of(block)
    camera = general.get(EXIF_IFD)
    for tags in (general, tags_of(block, camera.first) if camera else {}):
        text = _text(block, tags.get(USER_COMMENT))
        if text:
            scheme, software = _text(block, tags.get(MAKER_NOTE)), _text(block, general.get(SOFTWARE))
            return EmbeddedParameters(text, scheme, software)
    return None


def _text(block: bytes, tag: Tag | None) -> str:
    if tag is None or tag.kind not in TEXT_TYPES:
        return ""
    value = block[tag.place : tag.end]
    if tag.kind != ASCII_TYPE:
        decode = CHARSETS.get(value[:8])
        return decode(value[8:]) if decode else value.decode("utf-8", "replace")
    value = value.removesuffix(b"\0")
    try:
        return value.decode("utf-8")
    except UnicodeError:
        return value.decode("latin-1")


def _exif(tags: dict[int, str]) -> bytes:
    """Return an EXIF block with these texts in UTF-8; Pillow itself would replace each Chinese character by a question mark."""
    given = sorted((tag, text.encode("utf-8", "replace") + b"\0") for tag, text in tags.items() if text)
    place = HEADER_BYTES + 2 + ENTRY_BYTES * len(given) + 4
    entries, texts = b"", b""
    for tag, text in given:
        value = text.ljust(4, b"\0") if len(text) <= 4 else struct.pack("<I", place + len(texts))
        entries += struct.pack("<HHI", tag, ASCII_TYPE, len(text)) + value
        texts += text if len(text) > 4 else b""
    header = b"II*\0" + struct.pack("<I", HEADER_BYTES) + struct.pack("<H", len(given))
    return b"Exif\0\0" + header + entries + struct.pack("<I", 0) + texts
