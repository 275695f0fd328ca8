"""Images in the form that the host expects: arrays, masks, and pictures extended for outpainting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from PIL import Image as PILImage

Picture = Any
"""A uint8 array of HxWx3."""

Images = Callable[[str], Picture]
"""Function that reads a referenced image as RGB. Raises `tasks.ports.engine.ParameterError` when it is missing."""

PLACEHOLDER = numpy.full((1, 1, 3), 255, numpy.uint8)
"""An image of one white pixel, in place of one that is not to be read. As a mask it is painted."""

SAMPLES, DARK = 500, 40
"""Pixels sampled per row and column to name a mask's colour, and the upper bound of black."""
COLOURS = {
    (True, False, False): "red",
    (False, True, False): "green",
    (False, False, True): "blue",
    (True, True, False): "yellow",
    (True, False, True): "purple",
    (False, True, True): "cyan",
    (True, True, True): "pale paint",
}
"""Colour by whether red, green and blue are each more than half as bright as the brightest of them."""

OUTPAINT_SHARE = 0.3
"""Fraction of a side that the host itself adds."""


def inpaint_input(image: Picture, mask: Picture | None) -> tuple[Picture, Picture]:
    """Return the image and its mask as HxWx3, the mask scaled to the image, 0 or 255. Without a mask nothing is white.

    The host scales an uploaded mask and thresholds it at 127 in the same way, but it refuses a mask of another size only after
    the whole generation.
    """
    if mask is None:
        return image, numpy.zeros_like(image)
    height, width = image.shape[:2]
    white = _white(mask, (width, height)).astype(numpy.uint8) * 255
    return image, numpy.repeat(white[:, :, None], 3, axis=2)


def is_painted(mask: Picture, size: tuple[int, int]) -> bool:
    """Return whether any pixel counts as painted once the mask has the image's size, given as width and height."""
    return bool(_white(mask, size).any())


def _white(mask: Picture, size: tuple[int, int]) -> Any:
    """Return which pixels of a mask count as painted once it has this size."""
    width, height = size
    if mask.shape[:2] != (height, width):
        mask = numpy.array(PILImage.fromarray(mask).resize(size, PILImage.Resampling.LANCZOS))
    return mask.mean(axis=2) > 127


def unpainted(mask: Picture | None) -> str:
    """Return an error text for a mask in which nothing counts as painted, with what does count."""
    paint = _paint(mask) if mask is not None else None
    seen = f"{paint} does not count, and " if paint else ""
    return f"has nothing painted; paint the area to generate again in white on black: {seen}transparent is not painted"


def _paint(mask: Picture) -> str | None:
    """Return the name of the colour that most non-black pixels of a mask have."""
    few = mask[:: max(1, mask.shape[0] // SAMPLES), :: max(1, mask.shape[1] // SAMPLES)].reshape(-1, 3)
    coloured = few[few.max(axis=1) > DARK]
    if not len(coloured):
        return None
    colours, counts = numpy.unique(coloured, axis=0, return_counts=True)
    red, green, blue = (int(value) for value in colours[counts.argmax()])
    brightest = max(red, green, blue)
    if brightest - min(red, green, blue) < DARK:
        name = "grey"
    else:
        name = COLOURS[red * 2 > brightest, green * 2 > brightest, blue * 2 > brightest]
    return f"{name} (#{red:02x}{green:02x}{blue:02x})"


def outpainted(image: Picture, mask: Picture, sides: list[str], distance: list[int]) -> tuple[Picture, Picture]:
    """Return the image and the mask extended on the selected sides: the image's edge is repeated, the mask is white there.

    Args:
        distance: [left, top, right, bottom] in pixels; 0 means the host's own fraction of the side.
    """
    height, width = image.shape[:2]
    own = {"Left": width, "Top": height, "Right": width, "Bottom": height}
    added = {
        side: (pixels or int(OUTPAINT_SHARE * own[side])) if side in sides else 0
        for side, pixels in zip(own, distance, strict=True)
    }
    margins = [(added["Top"], added["Bottom"]), (added["Left"], added["Right"]), (0, 0)]
    wider = numpy.pad(image, margins, mode="edge")
    return numpy.ascontiguousarray(wider), numpy.pad(mask, margins, mode="constant", constant_values=255)
