"""Results, metadata and errors that a host may hand over at the end of a task."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy

from fooocus_api.tests.support.fakes.fake_engine import PNG


class Mute(Exception):
    """An exception whose `__str__` raises."""

    def __str__(self) -> str:
        raise RuntimeError("mute")


class Leaving(SystemExit):
    """The exit of a library that mistakes itself for a program."""


def _endless() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["itself"] = value
    return value


def _png(width: int, height: int) -> bytes:
    """Return a PNG with this size in its header and no rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


FILES: dict[str, bytes | None] = {
    "good": PNG,
    "of 400 megapixels": _png(20_000, 20_000),
    "cut in its header": PNG[:20],
    "no image": b"<html>",
    "empty": b"",
    "gone": None,
}
WHOLE = ("good", "of 400 megapixels")
"""Complete files."""
METADATA: dict[str, Any] = {
    "plain": {"seed": "7", "prompt": "a cat"},
    "numbers of numpy": {
        "seed": numpy.int64(7),
        "scale": numpy.float32(1.5),
        "nan": float("nan"),
        "list": numpy.ones(3),
    },
    "half of a character": {"seed": "7", "prompt": "\ud800 and \x00"},
    "a circle": _endless(),
    "no JSON": {1: object(), None: b"bytes", "set": {1, 2}, "mute": Mute()},
    "a seed of 30 digits": {"seed": "9" * 30},
    "a seed beyond the database's": {"seed": str(2**63)},
    "digits that are none": {"seed": "²"},
    "a huge number": {"steps": 10**5000},
    "no dictionary": 7,
}
UNKNOWN_SEED = ("a seed of 30 digits", "a seed beyond the database's", "no dictionary")
OTHER_RESULTS: dict[str, Any] = {
    "array": numpy.zeros((2, 2, 3), numpy.uint8),
    "nothing": None,
    "path": Path("a.png"),
    "outside": "/nowhere/a.png",
    "impossible": "\x00.png",
}
ERRORS: tuple[Callable[[], BaseException], ...] = (
    lambda: ValueError("bad"),
    lambda: OSError(28, "No space left on device"),
    lambda: RuntimeError("\ud800\x00"),
    MemoryError,
    RecursionError,
    Mute,
    lambda: Leaving(3),
)
