"""Sizes of thumbnails: a few listed ones, so that one image has few thumbnails."""

from __future__ import annotations

from dataclasses import dataclass

SIZES = (64, 128, 256, 384, 512, 768, 1024)
"""Pixels that a requested side may have; any other request gets the next larger one."""
MAX_OTHER_SIDE = 4096
"""Maximum pixels of a side that the request does not name."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Box:
    """The area that a thumbnail fits into, in pixels; None for a side that the request does not name."""

    width: int | None = None
    height: int | None = None

    @classmethod
    def requested(cls, width: int | None, height: int | None) -> Box | None:
        """Return the box of a request with the next larger listed sizes, None if the request names no side."""
        if width is None and height is None:
            return None
        return cls(_next_larger(width), _next_larger(height))

    def fit(self, size: Size) -> Size:
        """Return the size of an image in this box, with its proportions and never enlarged."""
        scale = min(
            1.0,
            (self.width or MAX_OTHER_SIDE) / size[0],
            (self.height or MAX_OTHER_SIDE) / size[1],
        )
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def query(self) -> str:
        """Return the query string that requests this box, without the question mark."""
        sides = (("width", self.width), ("height", self.height))
        return "&".join(f"{name}={value}" for name, value in sides if value is not None)


def _next_larger(side: int | None) -> int | None:
    return None if side is None else next((size for size in SIZES if size >= side), SIZES[-1])
