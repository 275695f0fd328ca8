"""Images in the rows of a batch: each text is resolved once, as thousands of rows may name the same image."""

from __future__ import annotations

from typing import Any

from ....asgi.error_codes import FieldErrorCode
from ....images.references import ImageReference
from ...responses.problems import InvalidFields, invalid_field
from ...responses.public_urls import PublicUrls
from ...schemas.generate import IMAGE_FIELDS
from ..image_sources import MAX_URL_LENGTH, ImageResolver

MAX_NEW_IMAGES = 50
"""Images of one batch that come from outside."""
MAX_NEW_BYTES = 256 * 2**20
MAX_KNOWN = 20_000
"""Texts of one batch that are remembered."""


class BatchImages:
    """The images of all rows of one batch, which `resolver` resolves."""

    def __init__(self, resolver: ImageResolver) -> None:
        self._resolver = resolver
        self._known: dict[str, str | InvalidFields | None] = {}
        self._failures = 0
        self._sizes: dict[str, tuple[int, int]] = {}

    def resolve(self, field: str, text: str | None, urls: PublicUrls | None = None) -> str | None:
        """Return the reference to an image as `ImageResolver.resolve` does.

        Raises:
            InvalidFields: the image can't be used, or too many come from outside.
        """
        if not text:
            return None
        if text not in self._known and len(self._known) < MAX_KNOWN:
            self._known[text] = self._resolved(field, text, urls)
        known = self._known[text] if text in self._known else self._resolved(field, text, urls)
        if isinstance(known, InvalidFields):
            raise InvalidFields(error.model_copy(update={"field": field}) for error in known.errors)
        if known is not None:
            self._known.setdefault(known, known)  # although the file is not written yet
        return known

    def shortened(self, name: str, value: Any, field: str) -> Any:
        """Return the value of a request's field `name` with references in place of images that are sent as long texts, of which
        a check in each row would take long. Raises as `resolve` does."""
        if name in IMAGE_FIELDS:
            return self._short(value, field)
        if name != "controlnet_image" or not isinstance(value, list):
            return value
        return [
            {**item, "cn_img": self._short(item["cn_img"], f"{field}[{index}].cn_img")}
            if isinstance(item, dict) and "cn_img" in item
            else item
            for index, item in enumerate(value)
        ]

    def _short(self, text: Any, field: str) -> Any:
        return self.resolve(field, text) if isinstance(text, str) and len(text) > MAX_URL_LENGTH else text

    def _resolved(self, field: str, text: str, urls: PublicUrls | None) -> str | InvalidFields | None:
        number, size = self._resolver.new_images
        if number + self._failures >= MAX_NEW_IMAGES or size >= MAX_NEW_BYTES:
            limit = f"{MAX_NEW_IMAGES} images and {MAX_NEW_BYTES // 2**20} MiB"
            message = (
                f"the batch has too many images from outside; at most {limit} are allowed, upload them to /inputs first"
            )
            return invalid_field(field, FieldErrorCode.WRONG_COUNT, message)
        try:
            return self._resolver.resolve(field, text, urls)
        except InvalidFields as error:
            self._failures += 1  # each may have waited for another server
            return error

    def size(self, reference: str) -> tuple[int, int]:
        """Return the upright width and height of a resolved image."""
        if reference not in self._sizes:
            self._sizes[reference] = self._resolver.size(reference)
        return self._sizes[reference]

    @property
    def has_new(self) -> bool:
        """True if an image came from outside, whose file is written only with the batch."""
        return self._resolver.new_images[0] > 0

    @property
    def inputs(self) -> frozenset[str]:
        """The file names of the inputs among the resolved images."""
        found = [ImageReference.parse(known) for known in self._known.values() if isinstance(known, str)]
        return frozenset(image.name for image in found if image is not None and image.kind == "inputs")

    def hold(self) -> list[str]:
        """Write the images that came from outside, as `ImageResolver.hold` does."""
        return self._resolver.hold()
