"""Image decoding: every kind that clients have becomes upright RGB over white, and anything else is refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image as PILImage

from fooocus_api.images.codecs.decoding import NotAnImage, as_kept, read_rgb, upright_size, verify

WHITE, RED, GREEN, BLUE = (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)
ORIENTATION = 0x0112


def encoded(picture: PILImage.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def row(mode: str, *pixels: Any) -> PILImage.Image:
    """Return an image of one row."""
    picture = PILImage.new(mode, (len(pixels), 1))
    picture.putdata(pixels)
    return picture


def png(width: int, height: int, depth: int, colour: int, data: bytes, key: bytes = b"") -> bytes:
    """Return a PNG written by hand, for kinds that Pillow can't write. `key` names the transparent value."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"tRNS", key) if key else b"", chunk(b"IDAT", zlib.compress(data))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def pixels_of(content: bytes) -> list[tuple[int, ...]]:
    """Return the first row as decoded."""
    return [tuple(int(value) for value in pixel) for pixel in read_rgb(content)[0]]


def grey(*values: int) -> list[tuple[int, ...]]:
    return [(value, value, value) for value in values]


PALETTE = row("RGB", RED, GREEN, BLUE).quantize(4)

EXACT: dict[str, tuple[bytes, list[tuple[int, ...]]]] = {
    "rgb": (encoded(row("RGB", RED, (1, 2, 3)), "PNG"), [RED, (1, 2, 3)]),
    "alpha": (encoded(row("RGBA", (*RED, 255), (*RED, 0), (0, 0, 0, 128)), "PNG"), [RED, WHITE, *grey(127)]),
    "webp alpha": (encoded(row("RGBA", (*RED, 255), (9, 9, 9, 0)), "WEBP", lossless=True), [RED, WHITE]),
    "palette": (encoded(PALETTE, "PNG"), [RED, GREEN, BLUE]),
    "palette with alpha": (
        encoded(PALETTE, "PNG", transparency=PALETTE.getpixel((1, 0))),
        [RED, WHITE, BLUE],
    ),
    "grey": (encoded(row("L", 0, 7, 255), "PNG"), grey(0, 7, 255)),
    "grey with alpha": (encoded(row("LA", (0, 255), (0, 0), (7, 255)), "PNG"), grey(0, 255, 7)),
    "black and white": (encoded(row("1", 0, 255), "PNG"), grey(0, 255)),
    "16-bit grey": (png(4, 1, 16, 0, b"\0" + struct.pack(">4H", 0, 257, 32896, 65535)), grey(0, 1, 128, 255)),
    "16-bit rgb": (png(1, 1, 16, 2, b"\0" + struct.pack(">3H", 65535, 32896, 257)), [(255, 128, 1)]),
    "16-bit grey with alpha": (png(2, 1, 16, 4, b"\0" + struct.pack(">4H", 257, 65535, 0, 0)), grey(1, 255)),
    "16-bit rgb with alpha": (png(1, 1, 16, 6, b"\0" + struct.pack(">4H", 65535, 0, 0, 0)), [WHITE]),
    "8-bit grey with a key": (png(2, 1, 8, 0, b"\0\3\20", struct.pack(">H", 3)), grey(255, 16)),
    "16-bit grey with a key": (
        png(2, 1, 16, 0, b"\0" + struct.pack(">2H", 1000, 1285), struct.pack(">H", 1000)),
        grey(255, 5),
    ),
    "1-bit grey with a key": (png(8, 1, 1, 0, b"\0\xf0", struct.pack(">H", 0)), grey(*[255] * 8)),
    "2-bit grey with a key": (png(4, 1, 2, 0, b"\0\x1b", struct.pack(">H", 1)), grey(0, 255, 170, 255)),
    "4-bit grey with a key": (png(2, 1, 4, 0, b"\0\x35", struct.pack(">H", 3)), grey(255, 85)),
    "rgb with a key": (png(2, 1, 8, 2, b"\0\1\2\3\4\5\6", struct.pack(">3H", 1, 2, 3)), [WHITE, (4, 5, 6)]),
    "16-bit rgb with a key": (
        png(
            2,
            1,
            16,
            2,
            b"\0" + struct.pack(">6H", 1000, 2000, 3000, 257, 257, 257),
            struct.pack(">3H", 1000, 2000, 3000),
        ),
        [WHITE, (1, 1, 1)],
    ),
    "animated png": (encoded(row("RGB", RED), "PNG", save_all=True, append_images=[row("RGB", BLUE)]), [RED]),
    "animated webp": (
        encoded(row("RGB", RED), "WEBP", save_all=True, append_images=[row("RGB", BLUE)], lossless=True),
        [RED],
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_lossless_kinds_are_exact(name: str) -> None:
    content, expected = EXACT[name]
    pixels = read_rgb(content)
    assert pixels.dtype == numpy.uint8 and pixels.shape == (1, len(expected), 3)
    assert pixels_of(content) == expected
    assert as_kept(content) == (content, "webp" if "webp" in name else "png")


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [("RGB", (200, 30, 40), (200, 30, 40)), ("L", 77, (77, 77, 77)), ("CMYK", (0, 255, 255, 0), RED)],
)
def test_jpeg(mode: str, colour: Any, expected: tuple[int, int, int]) -> None:
    content = encoded(PILImage.new(mode, (16, 16), colour), "JPEG", quality=100, subsampling=0)
    pixels = read_rgb(content)
    assert pixels.shape == (16, 16, 3) and pixels.dtype == numpy.uint8
    assert numpy.abs(pixels.astype(int) - expected).max() <= 3
    assert as_kept(content) == (content, "jpg")


def test_a_phones_jpeg_with_a_second_picture_behind_it() -> None:
    content = encoded(
        PILImage.new("RGB", (8, 8), RED), "MPO", save_all=True, append_images=[PILImage.new("RGB", (8, 8))]
    )
    assert as_kept(content) == (content, "jpg")
    assert read_rgb(content)[4, 4, 0] > 250


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "top left"), (2, "top right"), (3, "bottom right"), (4, "bottom left"),
     (5, "top left"), (6, "top right"), (7, "bottom right"), (8, "bottom left")],
)  # fmt: skip
def test_upright(kind: str, orientation: int, corner: str) -> None:
    """Store a white corner at the top left; the orientation decides where it appears."""
    stored = PILImage.new("RGB", (48, 32))
    stored.paste(WHITE, (0, 0, 16, 16))
    exif = PILImage.Exif()
    exif[ORIENTATION] = orientation
    content = encoded(stored, kind, exif=exif)
    pixels = read_rgb(content)
    seen = {
        "top left": pixels[2, 2],
        "top right": pixels[2, -3],
        "bottom left": pixels[-3, 2],
        "bottom right": pixels[-3, -3],
    }
    assert [name for name, pixel in seen.items() if pixel.mean() > 200] == [corner]
    assert pixels.shape[:2] == ((48, 32) if orientation >= 5 else (32, 48))
    assert upright_size(content) == (pixels.shape[1], pixels.shape[0])


def test_exif_that_can_not_be_read_does_no_harm() -> None:
    assert read_rgb(encoded(PILImage.new("RGB", (8, 8), RED), "PNG", exif=b"Exif\0\0nonsense")).shape == (8, 8, 3)


def test_a_file_is_read_like_its_content(tmp_path: Path) -> None:
    path = tmp_path / "picture.dat"
    path.write_bytes(EXACT["palette"][0])
    assert (read_rgb(path) == read_rgb(EXACT["palette"][0])).all()
    with pytest.raises(FileNotFoundError):
        read_rgb(tmp_path / "none.png")


PHOTO = encoded(PILImage.effect_noise((64, 64), 80), "JPEG")
DRAWING = encoded(PILImage.effect_noise((64, 64), 80), "PNG")

REFUSED = {
    "nothing": (b"", "not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
    "text": (b"<html>", "not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
    "ico": (encoded(PILImage.new("L", (16, 16)), "ICO"), "not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
    "tga": (encoded(PILImage.new("L", (2, 2)), "TGA"), "not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
    "half a jpeg": (PHOTO[: len(PHOTO) // 2], "a broken jpg image: "),
    "half a png": (DRAWING[: len(DRAWING) // 2], "a broken png image: "),
    "a wrong byte": (DRAWING[:1000] + b"x" + DRAWING[1001:], "a broken png image: "),
    "half a webp": (encoded(PILImage.effect_noise((64, 64), 80), "WEBP")[:600], "webp image"),
    "too many pixels": (png(8001, 8000, 1, 0, b""), "8001x8000 pixels; at most 64 million"),
    "far too many pixels": (png(100_000, 100_000, 1, 0, b""), "at most 64 million"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    content, message = REFUSED[name]
    for read in (verify, read_rgb):
        with pytest.raises(NotAnImage, match="image") as refused:
            read(content)
        assert message.lower() in str(refused.value).lower()
