"""Sizes of views, and the part of an image that a view of another ratio shows."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_SIDE = 4096
"""Maximum pixels of a view's side."""
MAX_CUT = 8
"""Pixels. Fooocus generates sides that are multiples of this, so that an image has at most 7 more than were asked for."""
_POSSIBLE_SIDE = "(409[0-6]|40[0-8][0-9]|[1-3][0-9]{3}|[1-9][0-9]{0,2})"
PATTERN = f"^{_POSSIBLE_SIDE}x{_POSSIBLE_SIDE}$"
"""Regular expression of a size that is possible, for the schema."""
_SIDE = "(0|[1-9][0-9]{0,4})"
_SIZE = re.compile(f"{_SIDE}x{_SIDE}", re.ASCII)


class ViewSize(NamedTuple):
    """Width and height of a view in pixels. Any pair of integers may be used in its place."""

    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> ViewSize | None:
        """Return the size in a text like `512x768`, None if it is none. The sides may be outside the limits."""
        match = _SIZE.fullmatch(text)
        return cls(int(match[1]), int(match[2])) if match else None

    @property
    def is_possible(self) -> bool:
        """Return whether each side is 1 to MAX_SIDE pixels."""
        return all(1 <= side <= MAX_SIDE for side in self)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def shown_part(size: tuple[int, int], view: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the part of an image from its centre that a view shows, as left, top, right and bottom.

    It is the largest with the view's ratio. Of an image with an overhang of less than MAX_CUT in each direction it has the view's
    size, in whole pixels, so that nothing is scaled.
    """
    overhang = size[0] - view[0], size[1] - view[1]
    if all(0 <= pixels < MAX_CUT for pixels in overhang):
        left, top = overhang[0] // 2, overhang[1] // 2
        return left, top, left + view[0], top + view[1]
    scale = min(size[0] / view[0], size[1] / view[1])
    width, height = min(view[0] * scale, size[0]), min(view[1] * scale, size[1])
    return (size[0] - width) / 2, (size[1] - height) / 2, (size[0] + width) / 2, (size[1] + height) / 2
