"""Pictures to edit or to vary, as fields of a generate request. Off the event loop."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray
from PIL import Image as PILImage

from ....asgi.error_codes import FieldErrorCode
from ....images.codecs.decoding import NotAnImage, read_alpha, read_rgb, upright_size
from ....images.storage.input_store import MAX_BYTES
from ....images.views.sizes import MAX_SIDE
from ...context import Context
from ...images.forms import image_too_large
from ...responses.problems import Problem, invalid_field

JPEG = b"\xff\xd8"
OPAQUE = 128
"""Alpha from which a pixel is kept."""
DARK, BRIGHT = 64, 191
"""Bounds of the values that count as black and as white in a mask without transparency."""
GREY_SHARE = 0.02
"""Share of pixels between black and white that such a mask may have: smoothed edges, or traces of JPEG."""
LEAST_SHARE = 0.01
"""Share of transparent pixels from which they are meant, in a mask that is otherwise black and white."""
SOLID_SIDE = 8
"""Pixels of the side of a transparent square, from which the transparent pixels are meant, too: it is no speck or rim."""
SUBTLE, STRONG = "Vary (Subtle)", "Vary (Strong)"
INPAINT = "inpaint_input_image"
NAMES = {
    "uov_input_image": "image",
    "uov_method": "image",
    INPAINT: "image",
    "inpaint_mask_image_upload": "mask",
    "controlnet_image": "image",
}
"""Fields of a generate request that a picture sets → OpenAI's."""
Mask = NDArray[numpy.bool_]


@dataclass(frozen=True)
class Pictures:
    """The pictures of a request: the first is edited, the others guide the generation."""

    images: Sequence[bytes]
    mask: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of all."""
        return sum(map(len, self.images)) + len(self.mask or b"")


@dataclass(frozen=True)
class Edit:
    """An edit as `values` of a generate request. `size` is the first image's, None if no result can have it."""

    values: dict[str, Any]
    size: tuple[int, int] | None
    is_masked: bool


def edit_of(pictures: Pictures, method: str, context: Context) -> Edit:
    """Return the edit of pictures: within the mask, or within the first image's own transparency; else a variation of it.

    Args:
        method: the method of the variation.

    Raises:
        InvalidFields: a picture can't be used.
        Problem: 413, a picture is too large.
    """
    check_count(len(pictures.images), context)
    sizes = [_size(content, _name(number, pictures.images)) for number, content in enumerate(pictures.images)]
    first, others = pictures.images[0], pictures.images[1:]
    marked = _given_mask(pictures.mask, sizes[0]) if pictures.mask is not None else _own_mask(first)
    values: dict[str, Any] = {"uov_input_image": _text(first), "uov_method": method}
    if marked is not None:
        values = {INPAINT: _text(first), "inpaint_mask_image_upload": _text(_png(marked))}
    if others:
        mixing = "mixing_image_prompt_and_inpaint" if marked is not None else "mixing_image_prompt_and_vary_upscale"
        values |= {"controlnet_image": [{"cn_img": _text(one)} for one in others], mixing: True}
    return Edit(values, sizes[0] if max(sizes[0]) <= MAX_SIDE else None, marked is not None)


def check_count(count: int, context: Context) -> None:
    """Check the number of images of a request.

    Raises:
        InvalidFields: they are more than one to edit and those that can guide the generation.
    """
    places = context.host.arguments.list_sizes().get("controlnet_image", count)
    if count > 1 + places:
        message = f"has {count} images; this Fooocus takes one to edit and at most {places} to go by"
        raise invalid_field("image", FieldErrorCode.WRONG_COUNT, message)


def _name(number: int, images: Sequence[bytes]) -> str:
    return f"image[{number}]" if len(images) > 1 else "image"


def _size(content: bytes, name: str) -> tuple[int, int]:
    if len(content) > MAX_BYTES:
        raise image_too_large()
    try:
        return upright_size(content)
    except NotAnImage as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: NotAnImage) -> Problem:
    return invalid_field(name, FieldErrorCode.UNREADABLE_IMAGE, f"is {error}")


def _own_mask(image: bytes) -> Mask | None:
    """Return the transparent area of an image, None if it is opaque."""
    if image.startswith(JPEG):
        return None
    try:
        alpha = read_alpha(image)
    except NotAnImage as error:
        raise _unreadable("image", error) from error
    marked = None if alpha is None else alpha < OPAQUE
    return marked if marked is not None and marked.any() else None


def _given_mask(mask: bytes, size: tuple[int, int]) -> Mask:
    """Return the area that a mask marks."""
    own = _size(mask, "mask")
    if own != size:
        message = f"has {own[0]}x{own[1]} pixels, but the image has {size[0]}x{size[1]}; send both in one size"
        raise invalid_field("mask", FieldErrorCode.CONFLICT, message)
    try:
        marked = _marked(mask)
    except NotAnImage as error:
        raise _unreadable("mask", error) from error
    if marked is None or not marked.any():
        message = "has no transparent pixel; make the area to generate again transparent, or white on black"
        raise invalid_field("mask", FieldErrorCode.UNREADABLE_IMAGE, message)
    return marked


def _marked(mask: bytes) -> Mask | None:
    """Return the transparent area of a mask, else the white one; specks and a rim in a black and white mask are no area. A line
    drawing with a hole is black and white, too: its hole is solid."""
    alpha = read_alpha(mask)
    clear = alpha < OPAQUE if alpha is not None else None
    if clear is None or not clear.any():
        return _white(read_rgb(mask))
    if clear.mean() < LEAST_SHARE and not _has_square(clear):
        white = _white(read_rgb(mask))
        if white is not None and (white & ~clear).sum() > clear.sum():
            return white & ~clear
    return clear


def _has_square(area: Mask) -> bool:
    """Return whether an area covers one of the squares that the picture is divided into."""
    rows, columns = (side // SOLID_SIDE for side in area.shape)
    squares = area[: rows * SOLID_SIDE, : columns * SOLID_SIDE].reshape(rows, SOLID_SIDE, columns, SOLID_SIDE)
    return bool(squares.all(axis=(1, 3)).any())


def _white(picture: NDArray[numpy.uint8]) -> Mask | None:
    """Return the white area of a black and white picture, None for any other picture."""
    dark, bright = picture.max(axis=2) <= DARK, picture.min(axis=2) >= BRIGHT
    grey = 1 - (numpy.count_nonzero(dark) + numpy.count_nonzero(bright)) / dark.size
    return bright if grey <= GREY_SHARE and dark.any() else None


def _png(mask: Mask) -> bytes:
    buffer = io.BytesIO()
    PILImage.fromarray(mask.astype(numpy.uint8) * 255, "L").save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
