"""Pictures in a terminal: the decoder of PNGs, the protocols, and the choice among them."""

from __future__ import annotations

import base64
import io
import re

import pytest
from fooocus_api_client.cli.pictures.choice import way_of
from fooocus_api_client.cli.pictures.png import decoded
from fooocus_api_client.cli.pictures.preview import PreviewPicture, fitted
from fooocus_api_client.cli.pictures.protocols import sixel
from PIL import Image
from rich.console import Console


def png_of(mode: str, size: tuple[int, int] = (24, 16)) -> tuple[bytes, Image.Image]:
    """Return a PNG of a gradient, for which Pillow uses all filters, and its image."""
    width, height = size
    image = Image.new("RGB", size)
    image.putdata([(x * 9 % 256, y * 15 % 256, x * y % 256) for y in range(height) for x in range(width)])
    image = image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue(), image


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_a_png_is_decoded(mode: str) -> None:
    content, image = png_of(mode)
    picture = decoded(content)
    assert (picture.width, picture.height) == image.size
    assert [pixel for row in picture.rows for pixel in row] == list(image.convert("RGB").getdata())


@pytest.mark.parametrize("content", [b"", b"GIF89a", png_of("RGB")[0][:60], png_of("P")[0]])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="PNG"):
        decoded(content)


def shown(way: str, content: bytes) -> str:
    """Return what a terminal receives."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=60, height=30)
    console.print(PreviewPicture(content, way))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_kitty_gets_the_file() -> None:
    content, _ = png_of("RGB", (300, 200))
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", shown("kitty", content))
    assert base64.b64decode("".join(data for _, data in parts)) == content
    assert "C=1" in parts[0][0] and parts[-1][0].endswith("m=0")


def test_iterm_gets_the_file() -> None:
    content, _ = png_of("RGB")
    found = re.search(r"\x1b\]1337;File=[^:]*inline=1:([^\x07]*)\x07", shown("iterm", content))
    assert found is not None and base64.b64decode(found[1]) == content


def test_sixel_gets_bands_of_six_rows() -> None:
    content, _ = png_of("RGB", (24, 18))
    made = sixel(content, 10, 5)
    assert made.startswith('\x1bPq"1;1;24;18') and made.endswith("\x1b\\") and made.count("-") == 2
    assert "\x1bPq" in shown("sixel", content)


def test_half_blocks_have_two_pixels_each() -> None:
    content, image = png_of("RGB", (8, 8))
    text = shown("blocks", content)
    assert text.count("▀") == 8 * 4
    assert "38;2;{};{};{}".format(*image.getpixel((0, 0))) in text  # type: ignore[misc]


def test_kitty_gets_a_file_once() -> None:
    content, _ = png_of("RGB")
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=30)
    picture = PreviewPicture(content, "kitty")
    console.print(picture, picture)
    assert isinstance(console.file, io.StringIO)
    assert [console.file.getvalue().count(f"_Ga={action}") for action in "Tp"] == [1, 1]


@pytest.mark.parametrize("way", ["blocks", "kitty", "iterm", "sixel"])
def test_a_broken_preview_shows_nothing(way: str) -> None:
    assert "▀" not in shown(way, b"no picture")


def test_a_picture_leaves_room_for_the_bar() -> None:
    assert fitted((1024, 1024), 200, 24) == (40, 20)
    assert fitted((2048, 512), 200, 24) == (44, 6)


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, "blocks"),
        ({"TERM": "xterm-256color"}, "blocks"),
        ({"TERM": "linux"}, "none"),
        ({"TERM": "dumb"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none"),
    ],
)
def test_the_terminal_decides(environment: dict[str, str], way: str) -> None:
    assert way_of("auto", environment) == way
    assert way_of("sixel", environment) == "sixel"


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown preview"):
        way_of("braille", {})
