"""Fields without effect in combination with others: Fooocus takes the size from an image, or returns only one image."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...schemas.generate import DISABLED, UPSCALE_CUSTOM, CommonRequest
from ...validation.sizes import RATIO, SIDES, default_of

SUPER_LARGE = 2800
"""Pixels. Above this square side an upscale returns the enlarged image without denoising it."""
GRID = 64


def without_effect(sent: CommonRequest, size: tuple[int, int] | None, *, one_image: bool) -> Iterator[str]:
    """Yield the names of fields that were sent, differ from their default, and have no effect.

    Args:
        sent: the request as the client sent it.
        size: width and height of the image to vary or upscale, if there is one.
        one_image: the response is an image, so the task generates only one.
    """
    goals = set(_goals(sent))
    if goals:
        yield from _sizes(sent)
    several = sent.image_number > 1 and "image_number" in sent.model_fields_set
    if several and (one_image or _gives_one(sent, goals, size)):
        yield "image_number"


def _goals(sent: CommonRequest) -> Iterator[str]:
    """Yield the goals of the input images, by the rules of Fooocus's worker."""
    tab, method = sent.tab(), sent.uov_method.lower()
    if tab == "enhance":
        yield "enhance"
    varies = tab == "uov" or (tab == "ip" and sent.mixing_image_prompt_and_vary_upscale)
    if varies and sent.uov_input_image and method not in DISABLED:
        yield "vary" if "vary" in method else "upscale"
    inpaints = tab == "inpaint" or (tab == "ip" and sent.mixing_image_prompt_and_inpaint)
    if inpaints and sent.inpaint_input_image:
        yield "inpaint"


def _sizes(sent: CommonRequest) -> Iterator[str]:
    usual = (default_of(sent, RATIO), CommonRequest.model_fields[RATIO].default)
    if RATIO in sent.model_fields_set and getattr(sent, RATIO).replace("×", "*") not in usual:
        yield RATIO
    yield from (side for side in SIDES if side in sent.model_fields_set and getattr(sent, side) > 0)


def _gives_one(sent: CommonRequest, goals: set[str], size: tuple[int, int] | None) -> bool:
    if sent.debugging_cn_preprocessor and any(image.cn_img is not None for image in sent.controlnet_image):
        return True  # only the preprocessed images, one for each control image
    if "enhance" in goals or ("inpaint" in goals and sent.debugging_inpaint_preprocessor):
        return True
    return "upscale" in goals and ("fast" in sent.uov_method.lower() or _is_super_large(sent, size))


def _is_super_large(sent: CommonRequest, size: tuple[int, int] | None) -> bool:
    """Return whether Fooocus returns the enlarged image without denoising, by the rule of its `apply_upscale`."""
    if size is None:
        return False
    method = sent.uov_method
    factor = (
        sent.upscale_multiple
        if method == UPSCALE_CUSTOM
        else 1.5
        if "1.5x" in method
        else 2.0
        if "2x" in method
        else 1.0
    )
    return math.ceil(math.sqrt(size[0] * factor * size[1] * factor) / GRID) * GRID > SUPER_LARGE
