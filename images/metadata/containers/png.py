"""Reads the text chunks of a PNG, before and after its pixels, without decoding any pixel."""

from __future__ import annotations

import zlib

from .carried import Carried, decoded
from .exif import add_exif

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 20_000
MAX_KEY_BYTES = 79
"""Bytes of a chunk's keyword, as the format defines them."""


def read_png(content: bytes, carried: Carried) -> None:
    """Add the texts and the size of a PNG."""
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        end = at + 8 + length
        if len(kind) < 4 or end > len(content):
            return
        if kind == b"IHDR" and length >= 8:
            sides = content[at + 8 : at + 16]
            carried.set_size((int.from_bytes(sides[:4], "big"), int.from_bytes(sides[4:], "big")))
        elif kind in _READERS:
            key, text = _key(content, at + 8, end)
            if carried.admits(f"{kind.decode()} {key}", end - text):
                _READERS[kind](content[text:end], key, carried)
        elif kind == b"eXIf":
            add_exif(content[at + 8 : end], carried)
        at = end + 4


def _key(content: bytes, start: int, end: int) -> tuple[str, int]:
    """Return a chunk's keyword, and the place after the zero byte that ends it."""
    zero = content.find(b"\0", start, min(start + MAX_KEY_BYTES + 1, end))
    return ("", end) if zero < 0 else (content[start:zero].decode("latin-1"), zero + 1)


def _plain(content: bytes, key: str, carried: Carried) -> None:
    carried.add("png", key, decoded(content), len(content))


def _compressed(content: bytes, key: str, carried: Carried) -> None:
    _inflate(content[1:], key, carried)


def _international(content: bytes, key: str, carried: Carried) -> None:
    is_compressed = content[:1] == b"\1"
    language = content.find(b"\0", 2)
    translation = content.find(b"\0", language + 1)
    if language < 0 or translation < 0:
        return
    if is_compressed:
        _inflate(content[translation + 1 :], key, carried)
    else:
        _plain(content[translation + 1 :], key, carried)


def _inflate(content: bytes, key: str, carried: Carried) -> None:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(content, carried.left + 1)
    except zlib.error:
        return
    if carried.admits(key, len(text)):
        carried.add("png", key, decoded(text), len(text))


_READERS = {b"tEXt": _plain, b"zTXt": _compressed, b"iTXt": _international}
