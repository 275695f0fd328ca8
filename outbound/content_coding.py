"""Decodes bodies that a server compressed although it was asked not to: one layer of gzip or deflate, in bounded pieces.

urllib3 before 2.6 decodes as many layers as the answer names, each without a bound: 2.6 kB become gigabytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PIECE_BYTES = 2**16
GZIP = frozenset({"gzip", "x-gzip"})
DEFLATE = "deflate"
NONE = frozenset({"", "identity"})


class UnreadableCoding(Exception):
    """The body has an unsupported coding, or is invalid in its coding. The message continues the sentence after the URL."""


class Decoder:
    """Decodes a body piece by piece, into pieces of at most `PIECE_BYTES`."""

    def __init__(self, content_encoding: str) -> None:
        """Choose the coding that the header names.

        Raises:
            UnreadableCoding: the header names an unsupported coding, or more than one.
        """
        codings = [
            coding for coding in (part.strip().lower() for part in content_encoding.split(",")) if coding not in NONE
        ]
        if len(codings) > 1 or not set(codings) <= GZIP | {DEFLATE}:
            raise UnreadableCoding("responds with an unsupported compression; the server must send none, or gzip once")
        self._coding = codings[0] if codings else ""
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if self._coding in GZIP else None

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        """Yield the decoded content of a piece of the body.

        Raises:
            UnreadableCoding: the piece is invalid in its coding.
        """
        if not self._coding:
            yield raw
            return
        if self._inflate is None:  # deflate: with zlib's header, or raw, as some servers send it
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if raw[:1] == b"\x78" else -zlib.MAX_WBITS)
        rest = raw
        while rest and not self._inflate.eof:
            try:
                piece = self._inflate.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                raise UnreadableCoding(f"responds with invalid {self._coding} data") from error
            rest = self._inflate.unconsumed_tail
            if piece:
                yield piece

    def close(self) -> None:
        """Make sure that the body was complete.

        Raises:
            UnreadableCoding: the body was truncated.
        """
        if self._coding and not (self._inflate is not None and self._inflate.eof):
            raise UnreadableCoding(f"responds with truncated {self._coding} data")
