"""Images of requests that have to be resized before Fooocus gets them. Off the event loop."""

from __future__ import annotations

import base64
import io

from fastapi import Request
from PIL import Image as PILImage
from PIL import ImageChops

from ....asgi.error_codes import FieldErrorCode
from ....images.codecs.decoding import NotAnImage, upright, upright_size
from ...context import Context
from ...requests.image_sources import ImageResolver
from ...requests.memory_budget import Reservation
from ...responses.problems import invalid_field
from ...security.authorization import may_see_image

Size = tuple[int, int]
CROP, FILL = 1, 2
"""Values of `resize_mode`; all others stretch."""
DARK, BRIGHT = 40, 128
"""The brightest black and the darkest white of a mask."""
LEAST_SHARE = 0.01
"""Share of the painted pixels of a mask from which black, or white, is meant."""
BYTES_OF_PIXEL = 8
"""Bytes that a pixel takes while its picture is resized."""
MAX_PIXELS = 2**26
"""Pixels of all images of an answer together, which is in memory as a whole: 16 images of 2048 by 2048, or 4 of 4096 by 4096."""


class SentImages:
    """The images of one request. `field` is the member that errors name."""

    def __init__(self, context: Context, request: Request, reservation: Reservation) -> None:
        self._urls = context.urls(request)
        self._resolver = ImageResolver(context, request.headers.get("host"), may_see=may_see_image(context, request))
        self._reservation = reservation

    def content(self, field: str, text: str | None) -> bytes | None:
        """Return the file of an image, None for a text that means none.

        Raises:
            InvalidFields: it can't be used.
        """
        return self._resolver.file_content(field, text, self._urls)

    def size(self, field: str, content: bytes) -> Size:
        """Return the upright width and height of the picture in a file.

        Raises:
            InvalidFields: it can't be used.
        """
        try:
            return upright_size(content)
        except NotAnImage as error:
            raise invalid_field(field, FieldErrorCode.UNREADABLE_IMAGE, f"is {error}") from error

    def picture(self, field: str, content: bytes, *, transparent: bool = False) -> PILImage.Image:
        """Return the upright picture in a file, over white unless `transparent`.

        Raises:
            InvalidFields: it can't be used.
            Problem: 503, too many large pictures are in memory.
        """
        width, height = self.size(field, content)
        self._reservation.grow(width * height * BYTES_OF_PIXEL)
        try:
            return upright(content, transparent=transparent)
        except NotAnImage as error:
            raise invalid_field(field, FieldErrorCode.UNREADABLE_IMAGE, f"is {error}") from error


def check_total(field: str, pixels: int) -> None:
    """Refuse a request whose answer would have too many pixels; `field` is the member that errors name.

    Raises:
        InvalidFields: it has.
    """
    if pixels > MAX_PIXELS:
        message = (
            f"gives images of {pixels / 1e6:.0f} million pixels in all; at most {MAX_PIXELS / 1e6:.0f} million are allowed in "
            "an answer; send several requests"
        )
        raise invalid_field(field, FieldErrorCode.OUT_OF_RANGE, message)


def fitted(picture: PILImage.Image, size: Size, reservation: Reservation, mode: int = 0) -> PILImage.Image:
    """Return a picture in another size: stretched, cropped from its centre, or with its edges filled by its outermost rows.

    Raises:
        Problem: 503, too many large pictures are in memory.
    """
    if picture.size == size:
        return picture
    reservation.grow(size[0] * size[1] * BYTES_OF_PIXEL)
    width, height = picture.size
    ratios = size[0] / width, size[1] / height
    if mode == CROP:
        shown = min(size[0] / max(ratios), width), min(size[1] / max(ratios), height)
        left, top = (width - shown[0]) / 2, (height - shown[1]) / 2
        return _scaled(picture, size, (left, top, left + shown[0], top + shown[1]))
    if mode != FILL:
        return _scaled(picture, size, (0, 0, width, height))
    inner = max(round(width * min(ratios)), 1), max(round(height * min(ratios)), 1)
    scaled = _scaled(picture, inner, (0, 0, width, height))
    return _with_edges(scaled, size, (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2)


def as_text(picture: PILImage.Image) -> str:
    """Return a picture as base64 of a PNG."""
    return base64.b64encode(as_png(picture)).decode("ascii")


def as_png(picture: PILImage.Image) -> bytes:
    """Return a picture as a PNG."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def mask_of(picture: PILImage.Image, *, invert: bool) -> PILImage.Image:
    """Return the area of a mask in grey: white is generated again.

    Of a mask with transparency, it is the painted part in any colour; the white part, if black is painted next to it.
    """
    mask = picture.convert("L")
    if picture.mode == "RGBA" and picture.getextrema()[-1] != (255, 255):
        alpha = picture.getchannel("A")
        if _is_black_and_white(mask, alpha):
            mask = ImageChops.multiply(mask, alpha)
        else:
            mask = alpha.point(lambda value: 255 if value > 127 else 0)
    return ImageChops.invert(mask) if invert else mask


def _is_black_and_white(grey: PILImage.Image, alpha: PILImage.Image) -> bool:
    """Return whether black and white are both painted, each in more than the edges that painting programs soften."""
    counts = grey.histogram(alpha.point(lambda value: 255 if value else 0))
    return min(sum(counts[: DARK + 1]), sum(counts[BRIGHT:])) >= max(sum(counts) * LEAST_SHARE, 1)


def is_empty(mask: PILImage.Image) -> bool:
    """Return whether a mask marks nothing, by the threshold of Fooocus."""
    return int(mask.getextrema()[1]) <= 127  # type: ignore[arg-type]  # of one channel


def _scaled(picture: PILImage.Image, size: Size, box: tuple[float, float, float, float]) -> PILImage.Image:
    """Return a part of a picture in another size. The direction that is scaled first is the one after which fewer pixels are in
    memory: Pillow's own order takes gigabytes for a picture that is a few pixels wide and millions high."""
    left, top, right, bottom = box
    if size[0] * picture.height > picture.width * size[1]:
        picture = picture.resize((picture.width, size[1]), PILImage.Resampling.LANCZOS, (0, top, picture.width, bottom))
        top, bottom = 0, size[1]
    return picture.resize(size, PILImage.Resampling.LANCZOS, (left, top, right, bottom))


def _with_edges(picture: PILImage.Image, size: Size, left: int, top: int) -> PILImage.Image:
    """Return a picture in the middle of a larger one, whose borders repeat the picture's outermost rows and columns."""
    width, height = picture.size
    whole = PILImage.new(picture.mode, size)
    whole.paste(picture, (left, top))
    if left > 0:
        whole.paste(picture.crop((0, 0, 1, height)).resize((left, height)), (0, top))
    if (right := size[0] - left - width) > 0:
        whole.paste(picture.crop((width - 1, 0, width, height)).resize((right, height)), (left + width, top))
    if top > 0:
        whole.paste(whole.crop((0, top, size[0], top + 1)).resize((size[0], top)), (0, 0))
    if (below := size[1] - top - height) > 0:
        last = whole.crop((0, top + height - 1, size[0], top + height))
        whole.paste(last.resize((size[0], below)), (0, top + height))
    return whole
