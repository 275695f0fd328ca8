"""Plans an image of any size: the size in which Fooocus generates it well, and the view that has the size asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..validation.sizes import AREA, HEIGHT, MAX_SIDE, MIN_SIDE, RATIO, STEP, WIDTH, size_of

Size = tuple[int, int]
"""Width and height in pixels."""

MIN_AREA = 600_000
"""Pixels of an image below which SDXL generates badly."""
MAX_AREA = 1_500_000
"""Pixels of a listed ratio that may be generated for a smaller image."""
MAX_RATIO = 3
"""The longer side divided by the shorter one, up to which an image is cut and scaled."""
_TRIED = 8
"""Multiples of STEP on each side of the best width that are tried as widths."""


class ImpossibleSize(ValueError):
    """A size that no image can have; the message completes the name of a field.

    `largest` is the largest possible size of that ratio, None if the ratio itself is impossible.
    """

    def __init__(self, message: str, largest: Size | None = None) -> None:
        super().__init__(message)
        self.largest = largest


@dataclass(frozen=True)
class SizePlan:
    """The way in which an image gets the size asked for.

    `fields` are those of a native request, `generated` the size of the image of the history. `view` is the size asked for if the
    image has another one, so that the answer has to be a view of it, else None.
    """

    fields: dict[str, Any]
    generated: Size
    view: Size | None = None


def plan_size(asked: Size, listed: Sequence[str]) -> SizePlan:
    """Return how an image of any size is generated, with as little cut off as possible and never enlarged.

    A listed ratio and a size that Fooocus generates well are generated as they are. A large size whose sides are not multiples of
    8 is rounded up to those. For a small one, a listed ratio or a size of about a megapixel is generated, whichever has the
    nearer ratio.

    Args:
        asked: width and height in pixels.
        listed: the host's aspect ratios, as in `1152*896`.

    Raises:
        ImpossibleSize: a side is not 1 to 2048 pixels, or the ratio is beyond 3:1 and Fooocus can't generate the size as it is.
    """
    _check_sides(asked)
    names = {size: name for name in reversed(listed) if (size := size_of(name, ())) and _is_exact(size)}
    if asked in names or _is_well_generated(asked):
        return _plan(asked, asked, names)
    _check_ratio(asked)
    if asked[0] * asked[1] >= MIN_AREA:
        return _plan(asked, (_rounded_up(asked[0]), _rounded_up(asked[1])), names)
    candidates = [
        *(size for size in names if _is_well_generated(size) and size[0] * size[1] <= MAX_AREA),
        *_of_a_megapixel(asked),
    ]
    # The first of equals: a listed ratio, in which the WebUI's users generate, too.
    return _plan(asked, min(candidates, key=lambda size: _cut_off(size, asked)), names)


def _plan(asked: Size, generated: Size, names: dict[Size, str]) -> SizePlan:
    # Both sides also with a listed ratio: a preset's size would take precedence over a ratio that is the default.
    fields: dict[str, Any] = {WIDTH: generated[0], HEIGHT: generated[1]}
    if generated in names:
        fields = {RATIO: names[generated], **fields}
    return SizePlan(fields, generated, None if generated == asked else asked)


def _check_sides(asked: Size) -> None:
    if min(asked) < 1:
        raise ImpossibleSize(f"{_text(asked)} has a side of {min(asked)} pixels; use 1 to {MAX_SIDE}")
    if max(asked) > MAX_SIDE:
        largest = _largest(asked)
        remedy = f"the largest size of this ratio is {_text(largest)}" if largest else f"use 1 to {MAX_SIDE}"
        raise ImpossibleSize(f"{_text(asked)} has a side of more than {MAX_SIDE} pixels; {remedy}", largest)


def _check_ratio(asked: Size) -> None:
    if max(asked) > MAX_RATIO * min(asked):
        remedy = (
            f"use one of at most {MAX_RATIO}:1, or sides that are multiples of {STEP} with {MIN_AREA} pixels in all"
        )
        raise ImpossibleSize(f"{_text(asked)} has a ratio beyond {MAX_RATIO}:1; {remedy}")


def _largest(asked: Size) -> Size | None:
    """Return the largest size of a ratio, None if that ratio is impossible."""
    width, height = (max(round(side * MAX_SIDE / max(asked)), 1) for side in asked)
    return (width, height) if max(asked) <= MAX_RATIO * min(asked) or _is_well_generated((width, height)) else None


def _is_exact(size: Size) -> bool:
    """Return whether Fooocus gives an image these sides and no others."""
    return all(MIN_SIDE <= side <= MAX_SIDE and not side % STEP for side in size)


def _is_well_generated(size: Size) -> bool:
    return _is_exact(size) and size[0] * size[1] >= MIN_AREA


def _of_a_megapixel(asked: Size) -> Iterator[Size]:
    """Yield sizes of about AREA with about the ratio, those with the best area first."""
    ratio = asked[0] / asked[1]
    best = round(math.sqrt(AREA * ratio) / STEP)
    for steps in sorted(range(-_TRIED, _TRIED + 1), key=abs):
        width = (best + steps) * STEP
        yield width, round(width / ratio / STEP) * STEP


def _cut_off(size: Size, asked: Size) -> float:
    """Return the share of an image that a view of that size cuts off."""
    wide, narrow = size[0] * asked[1], size[1] * asked[0]
    return 1 - min(wide, narrow) / max(wide, narrow)


def _rounded_up(side: int) -> int:
    return -(-side // STEP) * STEP


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
