"""Reads the few EXIF tags that hold parameters. Ignores all others, such as the place where a photo was taken."""

from __future__ import annotations

from ...codecs.embedded_parameters import EXIF_IFD, MAKER_NOTE, SOFTWARE, USER_COMMENT
from .carried import Carried, decoded

TAGS = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    SOFTWARE: "Software",
    MAKER_NOTE: "MakerNote",
    USER_COMMENT: "UserComment",
}
MAX_ENTRIES = 1000
"""Tags of one directory that are looked at. Usual are 10 to 60."""
ENTRY_BYTES = 12
PREFIX = b"Exif\0\0"
SIGNS = "Steps:"
"""Part of every text in A1111's notation. A decoding of a text that has it is the right one."""
_BYTE_TYPES = (1, 2, 7)
"""Types of tags with one byte per item: bytes, ASCII, undefined."""


def add_exif(block: bytes, carried: Carried) -> None:
    """Add the texts in an EXIF block, with or without its prefix."""
    block = block.removeprefix(PREFIX)
    if block[:4] not in (b"II*\0", b"MM\0*") or not carried.admits_exif():
        return
    order = "<" if block.startswith(b"II") else ">"
    camera = _add_directory("exif:ifd0", block, _number(block, 4, 4, order), order, carried)
    if camera:
        _add_directory("exif:exif", block, camera, order, carried)


def user_comment(content: bytes, order: str) -> str:
    """Return the text of a UserComment, with any of the character codes that may precede it.

    Args:
        order: byte order of the block, `<` or `>`. Programs disagree on whether UTF-16 follows it.
    """
    code, rest = content[:8], content[8:]
    if code == b"UNICODE\0":
        return _utf_16(rest, order)
    if code in (b"ASCII\0\0\0", b"\0\0\0\0\0\0\0\0"):
        return decoded(rest)
    return decoded(content)


def _utf_16(content: bytes, order: str) -> str:
    codecs = ("utf-16-le", "utf-16-be") if order == "<" else ("utf-16-be", "utf-16-le")
    texts = [content.decode(codec, "replace").strip("\0\ufeff") for codec in codecs]
    for text in (*texts, decoded(content)):  # some programs write UTF-8 in spite of the code
        if SIGNS in text:
            return text
    return max(texts, key=lambda text: sum(" " <= sign <= "~" for sign in text))


def _add_directory(place: str, block: bytes, at: int, order: str, carried: Carried) -> int:
    """Add the wanted texts of a directory. Return the place of the camera's directory that it names, 0 without one."""
    camera = 0
    for number in range(min(_number(block, at, 2, order), MAX_ENTRIES)):
        start = at + 2 + ENTRY_BYTES * number
        if start + ENTRY_BYTES > len(block):
            break
        tag, kind, count = (_number(block, start + offset, size, order) for offset, size in ((0, 2), (2, 2), (4, 4)))
        if tag == EXIF_IFD:
            camera = _number(block, start + 8, 4, order)
        elif tag in TAGS and kind in _BYTE_TYPES:
            first = start + 8 if count <= 4 else _number(block, start + 8, 4, order)
            if carried.admits(TAGS[tag], count):
                value = block[first : first + count]
                text = user_comment(value, order) if tag == USER_COMMENT else decoded(value)
                carried.add(place, TAGS[tag], text, count)
    return camera


def _number(content: bytes, at: int, length: int, order: str) -> int:
    return int.from_bytes(content[at : at + length], "little" if order == "<" else "big")
