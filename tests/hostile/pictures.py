"""Broken and malicious image files."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image

from .directories import exif_segments, raw_profile, shared
from .directories import segment as segment
from .other_pictures import OTHER_PICTURES, zeros

TAKEN, REFUSED = 201, 422


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    *extra: bytes,
    size: tuple[int, int] = (4, 4),
    rows: bytes | None = None,
    depth: int = 8,
    colour: int = 2,
    interlaced: int = 0,
    end: bytes | None = None,
) -> bytes:
    """Return a PNG with further chunks before its pixels, whose deflated `rows` may be anything."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced)
    content = rows if rows is not None else zlib.compress(bytes(13) * 4)
    tail = chunk(b"IEND") if end is None else end
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", content) + tail


def saved(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: object) -> bytes:
    """Return a valid image of that kind."""
    buffer = io.BytesIO()
    Image.effect_mandelbrot(size, (-3, -2.5, 2, 2.5), 9).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(*segments: bytes, **options: object) -> bytes:
    """Return a JPEG with further segments at its beginning."""
    whole = saved("JPEG", **options)  # type: ignore[arg-type]
    return whole[:2] + b"".join(segments) + whole[2:]


def tiff(entries: bytes, count: int, following: int = 8) -> bytes:
    """Return a little-endian directory of tags, as EXIF has it."""
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + entries + struct.pack("<I", following)


def webp(kind: bytes, data: bytes) -> bytes:
    """Return a WebP of one chunk."""
    body = b"WEBP" + kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _resized(content: bytes, width: int, height: int) -> bytes:
    """Return a JPEG whose header states this size."""
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def _many_scans() -> bytes:
    content = saved("JPEG", (4000, 4000), progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * 400 + b"\xff\xd9"


def _animated(kind: str, frames: int) -> bytes:
    buffer = io.BytesIO()
    pictures = [Image.new("RGB", (8, 8), (shade % 256, 0, 0)) for shade in range(frames)]
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], duration=10)
    return buffer.getvalue()


_ENTRY = struct.pack("<HHII", 0x0112, 3, 1, 6)
_ENDLESS = struct.pack("<HHII", 0x0112, 2, 2**32 - 1, 0)
_ITSELF = struct.pack("<HHII", 0x8769, 4, 1, 8)

PICTURES: dict[str, tuple[Callable[[], bytes], int]] = {
    # not an image, or of an unsupported kind
    "empty": (lambda: b"", REFUSED),
    "one-byte": (lambda: b"\x89", REFUSED),
    "html": (lambda: b"<html><script>alert(1)</script>", REFUSED),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', REFUSED),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n", REFUSED),
    "ico": (lambda: saved("ICO"), REFUSED),
    "tiff-whose-directories-go-round": (lambda: tiff(_ENTRY, 1), REFUSED),
    "zip": (lambda: b"PK\x03\x04" + bytes(200), REFUSED),
    # PNG: bombs
    "png-of-4-billion-pixels": (lambda: png(size=(65535, 65535)), REFUSED),
    "png-of-2-billion-columns": (lambda: png(size=(2**31 - 1, 1)), REFUSED),
    "png-of-no-size": (lambda: png(size=(0, 0)), REFUSED),
    "png-of-64-megapixels-with-four-rows": (lambda: png(size=(8000, 8000), rows=zlib.compress(bytes(96004))), TAKEN),
    "png-of-16-bit-that-is-cut-off": (
        lambda: png(size=(4000, 4000), depth=16, colour=6, rows=zlib.compress(bytes(4000 * 32001), 1)[:-2000], end=b""),
        REFUSED,
    ),
    "png-with-32-megabytes-behind-its-pixels": (lambda: png(rows=zeros(32)), TAKEN),
    "png-with-a-gigabyte-behind-its-pixels": (lambda: png(rows=zeros(1024)), TAKEN),
    "png-with-a-gigabyte-of-ztxt": (lambda: png(chunk(b"zTXt", b"a\0\0" + zeros(1024))), REFUSED),
    "png-with-a-gigabyte-of-itxt": (lambda: png(chunk(b"iTXt", b"a\0\1\0\0\0" + zeros(1024))), REFUSED),
    "png-with-a-gigabyte-of-profile": (lambda: png(chunk(b"iCCP", b"a\0\0" + zeros(1024))), REFUSED),
    "png-with-300000-empty-idat": (lambda: png(chunk(b"IDAT") * 300_000), REFUSED),
    "png-with-300000-private-chunks": (lambda: png(chunk(b"prVt") * 300_000), REFUSED),
    # PNG: broken
    "png-cut-off": (lambda: saved("PNG", (400, 400))[:2000], REFUSED),
    "png-signature-alone": (lambda: b"\x89PNG\r\n\x1a\n", REFUSED),
    "png-without-a-picture": (lambda: png()[:33] + chunk(b"IEND"), REFUSED),
    "png-with-a-chunk-of-2-gigabytes": (lambda: png()[:33] + b"\x7f\xff\xff\xffIDAT", REFUSED),
    "png-whose-header-has-another-sum": (lambda: png()[:29] + b"\0\0\0\0" + png()[33:], REFUSED),
    "png-that-is-not-deflated": (lambda: png(rows=b"nothing deflated"), REFUSED),
    "png-of-unknown-colours": (lambda: png(colour=77), REFUSED),
    "png-with-a-palette-of-nothing": (lambda: png(colour=3, rows=zlib.compress(b"\0\xff\xff\xff\xff" * 4)), TAKEN),
    "png-with-a-long-palette": (lambda: png(chunk(b"PLTE", bytes(300_000))), TAKEN),
    "png-interlaced-and-cut-off": (lambda: png(interlaced=1, rows=zlib.compress(b"\0")), REFUSED),
    # PNG: other chunks than the pixels
    "png-with-a-broken-profile": (lambda: png(chunk(b"iCCP", b"a\0\0" + zlib.compress(b"no profile"))), TAKEN),
    "png-with-broken-exif": (lambda: png(chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")), TAKEN),
    "png-with-endless-exif": (lambda: png(chunk(b"eXIf", tiff(_ENDLESS, 1))), TAKEN),
    "png-with-exif-of-shared-bytes": (lambda: png(chunk(b"eXIf", shared(1000, 10**6))), TAKEN),
    "png-with-late-exif-of-shared-bytes": (
        lambda: png(end=chunk(b"eXIf", shared(1000, 10**6)) + chunk(b"IEND")),
        TAKEN,
    ),
    "png-with-a-profile-of-shared-bytes": (lambda: png(chunk(b"zTXt", raw_profile(shared(1000, 450_000)))), TAKEN),
    "png-with-a-text-of-shared-bytes": (lambda: png(chunk(b"tEXt", b"exif\0" + shared(1000, 10**6))), TAKEN),
    "png-that-says-it-has-2-billion-frames": (lambda: png(chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))), TAKEN),
    "png-animated": (lambda: _animated("PNG", 50), TAKEN),
    "png-and-html": (lambda: png(end=chunk(b"IEND") + b"<html><script>alert(1)</script>"), TAKEN),
    # JPEG
    "jpeg-of-4-billion-pixels": (lambda: _resized(jpeg(), 65500, 65500), REFUSED),
    "jpeg-of-no-width": (lambda: _resized(jpeg(), 0, 30), REFUSED),
    "jpeg-cut-off": (lambda: saved("JPEG", (400, 400))[:1500], REFUSED),
    "jpeg-start-alone": (lambda: b"\xff\xd8\xff", REFUSED),
    "jpeg-with-400-scans": (_many_scans, REFUSED),
    "jpeg-with-a-million-comments": (lambda: jpeg(segment(0xFE, b"") * 1_000_000), REFUSED),
    "jpeg-with-5-million-fill-bytes": (lambda: jpeg(b"\xff" * 5_000_000), REFUSED),
    "jpeg-with-5-million-stray-bytes": (lambda: jpeg(bytes(5_000_000)), REFUSED),
    "jpeg-with-broken-exif": (lambda: jpeg(segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")), TAKEN),
    "jpeg-whose-exif-goes-round": (lambda: jpeg(segment(0xE1, b"Exif\0\0" + tiff(_ITSELF, 1))), TAKEN),
    "jpeg-with-65535-exif-entries": (lambda: jpeg(segment(0xE1, b"Exif\0\0" + tiff(_ENTRY * 5000, 65535))), TAKEN),
    "jpeg-with-exif-of-shared-bytes": (lambda: jpeg(exif_segments(shared(5000, 65_000))), REFUSED),
    "jpeg-with-six-segments-of-shared-bytes": (lambda: jpeg(exif_segments(shared(3000, 390_000))), REFUSED),
    "jpeg-with-hidden-exif-of-shared-bytes": (  # no length follows this marker
        lambda: jpeg(b"\xff\xf0\xfd\xe8" + exif_segments(shared(5000, 65_000))),
        REFUSED,
    ),
    "jpeg-with-an-index-of-shared-bytes": (lambda: jpeg(segment(0xE2, b"MPF\0" + shared(5000, 65_000))), REFUSED),
    "jpeg-with-45-megabytes-of-exif-in-19000-segments": (lambda: jpeg(exif_segments(bytes(45 * 10**6), 2370)), REFUSED),
    "jpeg-turned-by-9999": (
        lambda: jpeg(segment(0xE1, b"Exif\0\0" + tiff(struct.pack("<HHII", 0x0112, 3, 1, 9999), 1))),
        TAKEN,
    ),
    "jpeg-with-a-broken-profile": (lambda: jpeg(segment(0xE2, b"ICC_PROFILE\0\x01\xff" + bytes(60000))), TAKEN),
    "jpeg-with-a-broken-index-of-pictures": (lambda: jpeg(segment(0xE2, b"MPF\0" + tiff(b"\xff" * 12, 9))), TAKEN),
    "jpeg-in-cmyk": (lambda: saved("JPEG", mode="CMYK"), TAKEN),
    # WebP
    "webp-cut-off": (lambda: saved("WEBP", (400, 400))[:900], REFUSED),
    "webp-start-alone": (lambda: b"RIFF\xff\xff\xff\xffWEBP", REFUSED),
    "webp-of-268-megapixels": (lambda: webp(b"VP8L", b"\x2f\xfe\xff\xff\x0f" + bytes(20)), REFUSED),
    "webp-with-a-canvas-of-280-tera-pixels": (lambda: webp(b"VP8X", b"\x02\0\0\0" + b"\xff" * 6), REFUSED),
    "webp-animated": (lambda: _animated("WEBP", 200), TAKEN),
    "webp-with-broken-exif": (lambda: saved("WEBP", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), TAKEN),
    "webp-with-exif-of-shared-bytes": (lambda: saved("WEBP", exif=shared(1000, 10**6)), TAKEN),
    # too large, or with another name
    "png-of-more-than-50-mib": (lambda: png(end=bytes(50 * 2**20)), 413),
    "png-that-is-called-html": (lambda: png(), TAKEN),
    **OTHER_PICTURES,
}
"""Name → function that makes the file, and the status of its upload. An accepted file works as an input image: an oddity next to
the pixels does not make it invalid.
"""
