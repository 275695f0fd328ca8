"""Masks of Fooocus-API's clients: inverted, or all white."""

from __future__ import annotations

import base64
import io

from PIL import Image as PILImage
from PIL import ImageOps

from .....asgi.error_codes import FieldErrorCode
from .....images.codecs.decoding import NotAnImage, mask_rgb, upright_size
from ....requests.image_sources import ImageResolver
from ....requests.memory_budget import IMAGE_BUDGET
from ....responses.problems import invalid_field
from ....responses.public_urls import PublicUrls

FIELD = "input_mask"
COPIES = 6
"""Bytes per pixel while a mask is inverted: it and its negative."""


def _data_uri(picture: PILImage.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


WHITE = _data_uri(PILImage.new("RGB", (64, 64), "white"))
"""A mask that inpaints the whole image, to whose size it is scaled."""


def inverted(resolver: ImageResolver, mask: str, urls: PublicUrls) -> str:
    """Return an image in any notation with its colours inverted, as a data URI. Off the event loop.

    Raises:
        InvalidFields: the image can't be used.
        Problem: 503, too many pictures are in progress.
    """
    content = resolver.file_content(FIELD, mask, urls)
    try:
        width, height = upright_size(content or b"")
        with IMAGE_BUDGET.reservation() as reservation:
            reservation.grow(width * height * COPIES)
            return _data_uri(ImageOps.invert(PILImage.fromarray(mask_rgb(content or b""))))
    except NotAnImage as error:
        raise invalid_field(FIELD, FieldErrorCode.UNREADABLE_IMAGE, f"is {error}") from error
