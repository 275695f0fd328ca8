"""Translates `img2img`: Vary without a mask, inpaint with one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from PIL import Image as PILImage

from .....asgi.error_codes import FieldErrorCode
from ....context import Context
from ....requests.memory_budget import IMAGE_BUDGET, Reservation
from ....responses.problems import invalid_field
from ....validation.sizes import MAX_SIDE
from ..pictures import SentImages, Size, as_png, as_text, check_total, fitted, is_empty, mask_of
from ..routing import Refused
from ..settings import Settings
from .bodies import ImageToImageBody
from .scripts import apply_scripts
from .translation import Draft, asked_size
from .values import clamped

VARY = "Vary (Subtle)"
STRENGTH = 0.75
LEAST_STRENGTH = 0.01
"""Fooocus takes 0 for no value."""
FROM_NOISE = (2, 3)
"""Values of `inpainting_fill` that begin with noise."""
WHOLE_IMAGE, AREA = 1.0, 0.0
"""Values of `inpaint_respective_field`."""


@dataclass(frozen=True)
class Translation:
    """The fields of a generate request, the size of the answer, and members without an effect. `unchanged` is the picture if its
    mask marks nothing, so that it is itself the answer."""

    values: dict[str, Any]
    size: Size
    ignored: list[str]
    unchanged: bytes | None = None


def translate(body: ImageToImageBody, settings: Settings, context: Context, request: Request) -> Translation:
    """Return the translation of a request. Decodes its images: off the event loop.

    Raises:
        Refused: a name is unknown, or there is no image.
        InvalidFields: a member has a value that can't be used.
    """
    draft = Draft(body, settings, context)
    with IMAGE_BUDGET.reservation() as reservation:
        images = SentImages(context, request, reservation)
        given = next((text for text in body.init_images or () if text), None)
        content = images.content("init_images[0]", given)
        if content is None or given is None:
            raise Refused(404, "Init image not found")
        picture = images.picture("init_images[0]", content)
        size = asked_size(body, _shrunk(picture.size)) or picture.size
        _check(size)
        check_total("batch_size", size[0] * size[1] * body.image_number)
        text = given if picture.size == size else as_text(fitted(picture, size, reservation, body.resize_mode))
        mask = _mask(body, images, picture, size, reservation)
        if mask is not None and is_empty(mask):
            unchanged = as_png(fitted(picture, size, reservation, body.resize_mode))
            return Translation(draft.values, size, draft.ignored, unchanged)
        strength = STRENGTH if body.denoising_strength is None else body.denoising_strength
        strength = clamped(strength, LEAST_STRENGTH, 1)
        apply_scripts(body.alwayson_scripts, draft.values, draft.ignored, text)
        draft.values.update(_varied(text, strength) if mask is None else _inpainted(body, text, mask, strength))
    return Translation(draft.values, size, draft.ignored)


def _check(size: Size) -> None:
    if max(size) > MAX_SIDE:
        member = "width" if size[0] >= size[1] else "height"
        message = f"is more than {MAX_SIDE} pixels; send a smaller size"
        raise invalid_field(member, FieldErrorCode.OUT_OF_RANGE, message)


def _shrunk(size: Size) -> Size:
    """Return the size of a picture, or the largest with its ratio if a side is too long."""
    scale = min(MAX_SIDE / max(size), 1)
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def _mask(
    body: ImageToImageBody, images: SentImages, picture: PILImage.Image, size: Size, reservation: Reservation
) -> PILImage.Image | None:
    """Return the mask in the answer's size, None without one."""
    content = images.content("mask", body.mask)
    if content is None:
        return None
    mask = mask_of(images.picture("mask", content, transparent=True), invert=body.inpainting_mask_invert == 1)
    mask = fitted(mask, picture.size, reservation)  # AUTOMATIC1111 stretches it, too
    return fitted(mask, size, reservation, body.resize_mode)


def _varied(text: str, strength: float) -> dict[str, Any]:
    return {
        "uov_input_image": text,
        "uov_method": VARY,
        "overwrite_vary_strength": strength,
        "mixing_image_prompt_and_vary_upscale": True,
    }


def _inpainted(body: ImageToImageBody, text: str, mask: PILImage.Image, strength: float) -> dict[str, Any]:
    padding = 2 * max(body.inpaint_full_res_padding, 0) / max(min(mask.size), 1)
    return {
        "inpaint_input_image": text,
        "inpaint_mask_image_upload": as_text(mask),
        "inpaint_strength": strength,
        "inpaint_disable_initial_latent": body.inpainting_fill in FROM_NOISE,
        "inpaint_respective_field": clamped(AREA + padding, 0, 1) if body.inpaint_full_res else WHOLE_IMAGE,
        "mixing_image_prompt_and_inpaint": True,
    }
