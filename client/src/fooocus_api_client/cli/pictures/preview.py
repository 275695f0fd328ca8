"""A preview as a part of the live display: with a protocol of the terminal, or with half blocks."""

from __future__ import annotations

from typing import Callable, Optional

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import ControlType, Segment
from rich.style import Style

from .png import Picture, decoded
from .protocols import iterm, kitty, kitty_placed, kitty_removed, sixel

CELL = 2.0
"""A cell of a terminal is about twice as high as wide."""
MAX_COLUMNS = 44
SEQUENCES: dict[str, Callable[[bytes, int, int], str]] = {"kitty": kitty, "iterm": iterm, "sixel": sixel}
"""Way → the function that returns the escape sequence of a PNG in as many columns and rows."""
DECODED = ("blocks", "sixel")
"""Ways that need the pixels."""
SIZES = {"blocks": 64, "kitty": 384, "iterm": 256, "sixel": 192}
"""Way → the pixels of the longer side."""


class PreviewPicture:
    """One preview. Another file than a PNG shows nothing.

    Raises:
        ValueError: the PNG is damaged.
    """

    def __init__(self, png: bytes, way: str) -> None:
        self._png = png
        self._way = way
        self._sizes = pixels_of(png)
        self._pixels = decoded(png) if way in DECODED and self._sizes is not None else None
        self._is_sent = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._sizes is None:
            return
        columns, rows = fitted(self._sizes, options.max_width, console.height)
        if self._way == "blocks" and self._pixels is not None:
            yield from half_blocks(self._pixels, columns)
            return
        for _ in range(rows):  # the terminal scrolls now, and not while the picture is being placed
            yield Segment(" " * columns)
            yield Segment.line()
        again = self._is_sent and self._way == "kitty"  # it has the picture, and shows it at its new place
        sequence = kitty_placed(columns, rows) if again else SEQUENCES[self._way](self._png, columns, rows)
        self._is_sent = True
        text = f"\x1b[{rows}A\x1b7{sequence}\x1b8\x1b[{rows}B"
        yield Segment(text, None, [(ControlType.CARRIAGE_RETURN,)])


def fitted(size: tuple[int, int], max_columns: int, max_rows: int) -> tuple[int, int]:
    """Return the columns and rows of a picture that fits into the terminal above the bar."""
    width, height = size
    columns = min(MAX_COLUMNS, max_columns - 1)
    rows = max(1, round(columns * height / width / CELL))
    most = max(2, max_rows - 4)
    if rows > most:
        columns, rows = max(1, round(most * CELL * width / height)), most
    return columns, rows


def half_blocks(picture: Picture, columns: int) -> RenderResult:
    """Yield a picture of half blocks, each with two pixels: the upper one is its colour, the lower one its background."""
    step = max(1.0, picture.width / columns)
    across = [min(int(number * step), picture.width - 1) for number in range(min(columns, picture.width))]
    down = [int(number * step) for number in range(int(picture.height / step))]
    for top in range(0, len(down) - 1, 2):
        upper, lower = picture.rows[down[top]], picture.rows[down[top + 1]]
        for at in across:
            yield Segment("▀", Style.parse(f"{hexadecimal(upper[at])} on {hexadecimal(lower[at])}"))
        yield Segment.line()


def hexadecimal(pixel: tuple[int, int, int]) -> str:
    """Return a colour as `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*pixel)


def pixels_of(png: bytes) -> Optional[tuple[int, int]]:
    """Return width and height of a PNG, None if it is not one."""
    if not png.startswith(b"\x89PNG") or len(png) < 24:
        return None
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    return (width, height) if width and height else None


def cleared(console: Console, way: str) -> None:
    """Remove the picture that stays after the display has ended."""
    if way == "kitty":
        console.file.write(kitty_removed())
        console.file.flush()
