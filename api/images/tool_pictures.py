"""Images that are sent to a tool."""

from __future__ import annotations

from fastapi import Request

from ...asgi.error_codes import FieldErrorCode
from ...images.codecs.decoding import NotAnImage, read_rgb
from ...images.storage.input_store import MAX_BYTES
from ...tasks.ports.tools import Picture
from ..context import Context
from ..requests.image_sources import ImageResolver
from ..requests.memory_budget import Reservation
from ..responses.problems import invalid_field
from ..security.authorization import may_see_image
from .forms import image_too_large

IMAGE = "URL, base64, data URI, or the URL of an input or output of this server."


def picture_of(context: Context, request: Request, image: str | bytes | None, reservation: Reservation) -> Picture:
    """Return an image's pixels, whichever way it was sent, and reserve memory for them. Off the event loop."""
    picture = _pixels(context, request, image)
    reservation.grow(picture.nbytes)
    return picture


def _pixels(context: Context, request: Request, image: str | bytes | None) -> Picture:
    if isinstance(image, bytes):
        if len(image) > MAX_BYTES:
            raise image_too_large()
        try:
            return read_rgb(image)
        except NotAnImage as error:
            raise invalid_field("image", FieldErrorCode.UNREADABLE_IMAGE, f"is {error}") from error
    resolver = ImageResolver(context, request.headers.get("host"), may_see=may_see_image(context, request))
    reference = resolver.resolve("image", image, context.urls(request))
    if reference is None:
        raise invalid_field("image", FieldErrorCode.REQUIRED, "is required")
    return resolver.read(reference)
