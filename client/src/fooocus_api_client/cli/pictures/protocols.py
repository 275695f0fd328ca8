"""The escape sequences by which terminals show pictures: of kitty, of iTerm2, and sixel."""

from __future__ import annotations

import base64

from .png import Picture, decoded

CHUNK = 4096
"""Characters of base64 in one sequence of kitty."""
KITTY_ID = 7777
"""The number of the picture, so that a new one takes the place of the one before."""
LEVELS = 6
"""Steps of each colour in a sixel picture: 216 colours."""


def kitty(png: bytes, columns: int, rows: int) -> str:
    """Return the sequence that shows a PNG at the cursor, which stays."""
    text = base64.b64encode(png).decode("ascii")
    parts = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)] or [""]
    control = f"a=T,f=100,i={KITTY_ID},p=1,q=2,C=1,c={columns},r={rows},"
    made = []
    for number, part in enumerate(parts):
        more = int(number < len(parts) - 1)
        made.append(f"\x1b_G{control if number == 0 else ''}m={more};{part}\x1b\\")
    return "".join(made)


def kitty_placed(columns: int, rows: int) -> str:
    """Return the sequence that shows the last picture of `kitty` at the cursor."""
    return f"\x1b_Ga=p,i={KITTY_ID},p=1,q=2,C=1,c={columns},r={rows}\x1b\\"


def kitty_removed() -> str:
    """Return the sequence that removes the picture of `kitty`."""
    return f"\x1b_Ga=d,d=I,i={KITTY_ID},q=2\x1b\\"


def iterm(png: bytes, columns: int, rows: int) -> str:
    """Return the sequence that shows a picture in as many cells."""
    text = base64.b64encode(png).decode("ascii")
    size = f"size={len(png)};width={columns};height={rows};preserveAspectRatio=1;inline=1"
    return f"\x1b]1337;File={size}:{text}\x07"


def sixel(png: bytes, columns: int, rows: int) -> str:
    """Return the sequence of a sixel picture of a PNG, which has its own size in pixels."""
    picture = decoded(png)
    palette = [(red, green, blue) for red in range(LEVELS) for green in range(LEVELS) for blue in range(LEVELS)]
    colours = [f"#{number};2;{r * 20};{g * 20};{b * 20}" for number, (r, g, b) in enumerate(palette)]
    bands = [band(picture, top) for top in range(0, picture.height, 6)]
    return f'\x1bPq"1;1;{picture.width};{picture.height}{"".join(colours)}{"-".join(bands)}\x1b\\'


def band(picture: Picture, top: int) -> str:
    """Return six rows of pixels, one colour after the other."""
    bits: dict[int, list[int]] = {}
    for offset, row in enumerate(picture.rows[top : top + 6]):
        for column, (red, green, blue) in enumerate(row):
            colour = (red * LEVELS // 256 * LEVELS + green * LEVELS // 256) * LEVELS + blue * LEVELS // 256
            line = bits.setdefault(colour, [0] * picture.width)
            line[column] |= 1 << offset
    return "$".join(f"#{colour}{shortened(line)}" for colour, line in bits.items())


def shortened(line: list[int]) -> str:
    """Return a row of sixels with the number of repetitions in place of equal ones."""
    made, at = [], 0
    while at < len(line):
        end = at
        while end < len(line) and line[end] == line[at]:
            end += 1
        sign = chr(63 + line[at])
        made.append(f"!{end - at}{sign}" if end - at > 3 else sign * (end - at))
        at = end
    return "".join(made)
