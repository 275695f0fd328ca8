"""GIF, BMP, TIFF, AVIF and HEIC files: valid, broken and malicious ones."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image

from fooocus_api.images.codecs.input_formats import reads_avif

from .directories import RATIONAL, nested, replaced, shared

TAKEN, REFUSED = 201, 422

BYTES, SHORT, LONG = 1, 3, 4


def saved(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: object) -> bytes:
    """Return a valid image of that kind."""
    buffer = io.BytesIO()
    Image.effect_mandelbrot(size, (-3, -2.5, 2, 2.5), 9).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


GIF = saved("GIF", (4, 4), "L")
SCREEN, FRAME = GIF[: GIF.index(b",\0\0\0\0")], GIF[GIF.index(b",\0\0\0\0") :]
"""The start of a GIF, and its first image with the end."""


def comment(text: bytes, block: int = 255) -> bytes:
    """Return a GIF's comment, in blocks of this many bytes."""
    parts = (text[at : at + block] for at in range(0, len(text), block))
    return b"!\xfe" + b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def bmp(width: int, height: int, compression: int, data: bytes, bits: int = 8, colours: int = 0) -> bytes:
    """Return a BMP with arbitrary pixel data."""
    palette = bytes(4 * 256) if bits == 8 else b""
    offset = 54 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, colours, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + header + palette + data


def tiff(*tags: tuple[int, int, int, int], following: int = 0, data: bytes = b"", count: int | None = None) -> bytes:
    """Return a TIFF of one page with these tags (tag, type, count, value), and `data` after it, at 8 + 6 + 12 for each tag."""
    entries = b"".join(
        struct.pack("<HHI", tag, kind, number)
        + (struct.pack("<HH", value, 0) if kind == SHORT and number == 1 else struct.pack("<I", value))
        for tag, kind, number, value in sorted(tags)
    )
    return (
        b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags) if count is None else count) + entries
        + struct.pack("<I", following) + data
    )  # fmt: skip


def page(width: int, height: int, *more: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    """Return the tags of a grey image of one strip that begins at 8; `more` replaces those of the same number."""
    usual = {
        256: (256, LONG, 1, width),
        257: (257, LONG, 1, height),
        258: (258, SHORT, 1, 8),
        259: (259, SHORT, 1, 1),
        262: (262, SHORT, 1, 1),
        273: (273, LONG, 1, 8),
        277: (277, SHORT, 1, 1),
        278: (278, LONG, 1, height),
        279: (279, LONG, 1, width * height),
    }
    return list({**usual, **{tag[0]: tag for tag in more}}.values())


def tiled(width: int, height: int, side: int, data: bytes) -> bytes:
    """Return a TIFF of one deflated tile with that side."""
    tags = [tag for tag in page(width, height, (259, SHORT, 1, 8)) if tag[0] not in (273, 278, 279)]
    tags += [(322, LONG, 1, side), (323, LONG, 1, side), (324, LONG, 1, 0), (325, LONG, 1, len(data))]
    start = 8 + 6 + 12 * len(tags)
    return tiff(*[(tag, kind, number, start if tag == 324 else value) for tag, kind, number, value in tags], data=data)


def striped(width: int, height: int, compressed: bytes) -> bytes:
    """Return a TIFF of one deflated strip."""
    start = 8 + 6 + 12 * 9
    return tiff(
        *page(width, height, (259, SHORT, 1, 8), (273, LONG, 1, start), (279, LONG, 1, len(compressed))),
        data=compressed,
    )


def box(kind: bytes, content: bytes) -> bytes:
    """Return a box of ISO's media format."""
    return struct.pack(">I", len(content) + 8) + kind + content


def heic() -> bytes:
    """Return the beginning of a phone's photo."""
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(200)) + bytes(2000)


def sized(content: bytes, width: int, height: int) -> bytes:
    """Return an AVIF whose header states this size."""
    at = content.index(b"ispe") + 8
    return content[:at] + struct.pack(">II", width, height) + content[at + 8 :]


def zeros(megabytes: int) -> bytes:
    """Return this many megabytes of zeros, deflated: one deflated megabyte again and again, which takes no time."""
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    megabyte = deflate.compress(bytes(2**20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = (megabytes * 2**20 % 65521 << 16) + 1  # Adler-32 of zeros
    return b"\x78\xda" + megabyte * megabytes + b"\x03\0" + struct.pack(">I", checksum)


def pages(number: int) -> bytes:
    buffer = io.BytesIO()
    pictures = [Image.new("L", (8, 8), shade % 256) for shade in range(number)]
    pictures[0].save(buffer, "TIFF", save_all=True, append_images=pictures[1:])
    return buffer.getvalue()


def frames(kind: str, number: int) -> bytes:
    buffer = io.BytesIO()
    pictures = [Image.new("RGB", (16, 16), (shade % 256, shade // 2 % 256, 0)) for shade in range(number)]
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], duration=10)
    return buffer.getvalue()


def every_tag() -> bytes:
    """Return a TIFF with the greatest number of tags, each of which spans the whole file."""
    size = 20 * 2**20
    tags = [*page(8, 8), *((tag, BYTES, size, 8) for tag in range(40_000, 65_000))]
    return tiff(*tags, data=bytes(size))


OTHER_PICTURES: dict[str, tuple[Callable[[], bytes], int]] = {
    # GIF
    "gif": (lambda: saved("GIF"), TAKEN),
    "gif-animated": (lambda: frames("GIF", 200), TAKEN),
    "gif-signature-alone": (lambda: b"GIF89a", REFUSED),
    "gif-without-a-picture": (lambda: SCREEN + b";", REFUSED),
    "gif-cut-off": (lambda: saved("GIF", (400, 400))[:900], REFUSED),
    "gif-of-4-billion-pixels": (lambda: b"GIF89a\xff\xff\xff\xff" + SCREEN[10:] + FRAME, REFUSED),
    "gif-whose-picture-is-larger-than-it": (
        lambda: SCREEN + b",\0\0\0\0\xff\xff\xff\xff\0" + FRAME[10:],
        REFUSED,
    ),
    "gif-with-5-million-comments": (lambda: SCREEN + comment(b"") * 5_000_000 + FRAME, REFUSED),
    "gif-with-a-comment-of-45-megabytes": (lambda: SCREEN + comment(bytes(45_000_000)) + FRAME, REFUSED),
    "gif-with-a-comment-in-single-bytes": (lambda: SCREEN + comment(bytes(20_000_000), 1) + FRAME, REFUSED),
    "gif-with-a-usual-comment": (lambda: SCREEN + comment(b"made by hand " * 1000) + FRAME, TAKEN),
    "gif-with-a-picture-in-single-bytes": (
        lambda: SCREEN + FRAME[:11] + b"\x01\0" * 15_000_000 + b"\0;",
        TAKEN,
    ),
    # BMP
    "bmp": (lambda: saved("BMP"), TAKEN),
    "bmp-grey": (lambda: saved("BMP", mode="L"), TAKEN),
    "bmp-start-alone": (lambda: b"BM", REFUSED),
    "bmp-cut-off": (lambda: saved("BMP", (400, 400))[:5000], REFUSED),
    "bmp-of-4-billion-pixels": (lambda: bmp(65_535, 65_535, 0, bytes(100)), REFUSED),
    "bmp-of-no-size": (lambda: bmp(0, 0, 0, bytes(100)), REFUSED),
    "bmp-of-negative-width": (lambda: bmp(-4, 4, 0, bytes(16)), REFUSED),
    "bmp-run-length-encoded": (lambda: bmp(4, 4, 1, b"\x04\1\0\0" * 4 + b"\0\1"), TAKEN),
    "bmp-of-64-megapixels-in-runs-of-one": (lambda: bmp(8000, 8000, 1, b"\1\1" * 24_000_000), REFUSED),
    "bmp-of-one-long-row-and-its-end": (lambda: bmp(64_000_000, 1, 1, b"\1\1\0\0"), REFUSED),
    "bmp-of-jumps": (lambda: bmp(2000, 2000, 1, b"\0\2\xff\xff" * 100), REFUSED),
    "bmp-with-a-png-inside": (lambda: bmp(4, 4, 5, b"\x89PNG\r\n\x1a\n"), REFUSED),
    "bmp-of-4-billion-colours": (lambda: bmp(4, 4, 0, bytes(16), colours=2**32 - 1), REFUSED),
    # TIFF
    "tiff": (lambda: saved("TIFF"), TAKEN),
    "tiff-deflated": (lambda: saved("TIFF", compression="tiff_adobe_deflate"), TAKEN),
    "tiff-lzw": (lambda: saved("TIFF", compression="tiff_lzw"), TAKEN),
    "tiff-jpeg": (lambda: saved("TIFF", compression="jpeg"), TAKEN),
    "tiff-fax": (lambda: saved("TIFF", mode="1", compression="group4"), TAKEN),
    "tiff-cmyk": (lambda: saved("TIFF", mode="CMYK"), TAKEN),
    "tiff-lab": (lambda: _lab(), TAKEN),
    "tiff-of-1000-pages": (lambda: pages(1000), TAKEN),
    "tiff-start-alone": (lambda: b"II*\0", REFUSED),
    "tiff-whose-pages-go-round": (lambda: tiff(*page(8, 8), following=8, data=bytes(64)), TAKEN),
    "tiff-whose-directory-is-itself": (lambda: tiff(*page(8, 8, (0x8769, LONG, 1, 8)), data=bytes(64)), TAKEN),
    "tiff-whose-directory-is-beyond-its-end": (lambda: b"II*\0\xff\xff\xff\xff" + bytes(64), REFUSED),
    "tiff-cut-off": (lambda: saved("TIFF", (400, 400))[:5000], REFUSED),
    "tiff-deflated-and-cut-off": (lambda: striped(400, 400, zlib.compress(bytes(160_000))[:-20]), REFUSED),
    "tiff-of-4-billion-pixels": (lambda: tiff(*page(65_535, 65_535), data=bytes(64)), REFUSED),
    "tiff-of-no-size": (lambda: tiff(*page(0, 0), data=bytes(64)), REFUSED),
    "tiff-of-64-megapixels-of-nothing": (lambda: striped(8000, 8000, zeros(62)), TAKEN),
    "tiff-of-9-megapixels-of-nothing": (lambda: striped(3000, 3000, zeros(9)), TAKEN),
    "tiff-with-32-megabytes-behind-its-pixels": (lambda: striped(64, 64, zeros(32)), TAKEN),
    "tiff-with-a-gigabyte-behind-its-pixels": (lambda: striped(64, 64, zeros(1024)), TAKEN),
    "tiff-with-a-tile-of-a-gigapixel": (lambda: tiled(64, 64, 32_768, zeros(1024)), REFUSED),
    "tiff-with-a-tile-of-4-billion-rows": (lambda: tiled(64, 64, 2**31 - 16, zeros(1)), REFUSED),
    "tiff-with-12-million-strips": (
        lambda: tiff(*page(1, 12_000_000, (273, LONG, 4_000_000, 200), (278, LONG, 1, 1), (279, LONG, 4_000_000, 200)),
                     data=bytes(40_000_000)),
        REFUSED,
    ),
    "tiff-with-25000-tags-of-20-megabytes": (every_tag, REFUSED),
    "tiff-with-four-directories-of-shared-bytes": (lambda: nested(2 * 10**6), REFUSED),
    "tiff-with-numbers-in-shared-bytes": (lambda: nested(5 * 10**6, 1, 1, RATIONAL, 8), REFUSED),
    "tiff-that-says-65535-tags": (lambda: tiff(*page(8, 8), data=bytes(900_000), count=65_535), REFUSED),
    "tiff-of-60000-samples": (lambda: tiff(*page(8, 8, (277, SHORT, 1, 60_000)), data=bytes(64)), REFUSED),
    "tiff-of-an-unknown-compression": (lambda: tiff(*page(8, 8, (259, SHORT, 1, 12_345)), data=bytes(64)), REFUSED),
    "tiff-for-more-than-4-gigabytes": (lambda: b"II+\0\x08\0\0\0" + bytes(64), REFUSED),
    # HEIC
    "heic": (heic, REFUSED),
}  # fmt: skip
"""See `pictures.PICTURES`."""

if reads_avif():
    OTHER_PICTURES |= {
        "avif": (lambda: saved("AVIF"), TAKEN),
        "avif-animated": (lambda: frames("AVIF", 20), TAKEN),
        "avif-cut-off": (lambda: saved("AVIF", (400, 400))[:900], REFUSED),
        "avif-start-alone": (lambda: saved("AVIF")[:32], REFUSED),
        "avif-of-268-megapixels": (lambda: sized(saved("AVIF"), 16_384, 16_384), REFUSED),
        "avif-of-4-billion-pixels": (lambda: sized(saved("AVIF"), 65_535, 65_535), REFUSED),
        "avif-of-no-size": (lambda: sized(saved("AVIF"), 0, 0), REFUSED),
        "avif-of-another-size": (lambda: sized(saved("AVIF"), 4000, 4000), TAKEN),
        "avif-with-exif-of-shared-bytes": (lambda: _with_exif(shared(1000, 10**6)), REFUSED),
        "avif-with-a-wrong-middle": (lambda: _disturbed(saved("AVIF", (400, 400))), REFUSED),
    }


def _lab() -> bytes:
    buffer = io.BytesIO()
    Image.new("LAB", (8, 8)).save(buffer, "TIFF")
    return buffer.getvalue()


def _disturbed(content: bytes) -> bytes:
    at = content.index(b"mdat") + 4
    return content[:at] + bytes(len(content) - at)


def _with_exif(block: bytes) -> bytes:
    """Return an AVIF with these EXIF data: they replace those of one tag, which the encoder accepts."""
    head = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x927C, 7, len(block) - 26, 26) + bytes(4)
    filler = b"\xa5" * (len(block) - len(head))
    return replaced(saved("AVIF", exif=head + filler), filler, block)
