"""Predicts the size of a request's image by the rules of Fooocus's worker, where it can be known before generation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...asgi.error_codes import ErrorCode, FieldErrorCode
from ...images.codecs.conversion import bound_problem
from ..responses.problems import Problem, invalid_field
from ..schemas.generate import DISABLED, UPSCALE_CUSTOM, CommonRequest

Size = tuple[int, int]
"""Width and height in pixels."""

GRID = 64
SMALLEST, LARGEST_VARIED = 1024, 2048
"""Square sides in pixels: the worker enlarges smaller pictures to the first, and shrinks larger ones to the second for Vary."""
OUTPAINT_SHARE = 0.3
FILE_FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}


def check_result(
    body: CommonRequest, parameters: dict[str, Any], size_of: Callable[[str], Size], accept: str | None
) -> None:
    """Reject a request whose image exceeds the size limit of its format.

    Args:
        parameters: the body's, with references to its images.
        size_of: returns the size of a reference's image.
        accept: Pillow's name of the response's format, None if the response is not an image.

    Raises:
        InvalidFields: `output_format` can't hold the image.
        Problem: 406, the format that `Accept` names can't hold the image.
    """
    given = str(parameters["output_format"]).lower()
    unsaid = accept is not None and "output_format" not in body.model_fields_set
    file_format = accept if unsaid else FILE_FORMATS.get(given)
    wanted = [image_format for image_format in (file_format, accept) if image_format is not None]
    if not any(bound_problem(2**31, 2**31, image_format) for image_format in wanted):
        return
    size = result_size(body, parameters, size_of)
    if size is None:
        return
    if not unsaid and file_format is not None and (problem := bound_problem(*size, file_format)):
        message = f"{given} can't hold the image, which will have {problem}; use png"
        raise invalid_field("output_format", FieldErrorCode.OUT_OF_RANGE, message, ["png"])
    if accept is not None and (problem := bound_problem(*size, accept)):
        raise Problem(ErrorCode.NOT_ACCEPTABLE, f"image will have {problem}; request image/png or the record")


def result_size(body: CommonRequest, parameters: dict[str, Any], size_of: Callable[[str], Size]) -> Size | None:
    """Return the size that Fooocus's worker gives the image, None if an enhancement or the prompt alone determines it."""
    tab, method = body.tab(), body.uov_method.lower()
    varies = tab == "uov" or (tab == "ip" and body.mixing_image_prompt_and_vary_upscale)
    if varies and parameters["uov_input_image"] and method not in DISABLED:
        size = size_of(parameters["uov_input_image"])
        return _varied(size) if "vary" in method else _enlarged(size, factor_of(body))
    inpaints = tab == "inpaint" or (tab == "ip" and body.mixing_image_prompt_and_inpaint)
    if inpaints and parameters["inpaint_input_image"]:
        return _outpainted(size_of(parameters["inpaint_input_image"]), body)
    if tab == "enhance" and parameters["enhance_input_image"] and body.enhance_uov_method.lower() in DISABLED:
        return size_of(parameters["enhance_input_image"])
    return None


def factor_of(body: CommonRequest) -> float:
    """Return the factor by which a request's upscale method enlarges each side."""
    if body.uov_method == UPSCALE_CUSTOM:
        return body.upscale_multiple
    return 1.5 if "1.5x" in body.uov_method else 2.0 if "2x" in body.uov_method else 1.0


def _enlarged(size: Size, factor: float) -> Size:
    width, height = size[0] * factor, size[1] * factor
    return _brought_to(SMALLEST, size) if _square_side(width, height) < SMALLEST else (int(width), int(height))


def _varied(size: Size) -> Size:
    return _brought_to(min(max(_square_side(*size), SMALLEST), LARGEST_VARIED), size)


def _outpainted(size: Size, body: CommonRequest) -> Size:
    added = [0, 0]
    for index, (side, pixels) in enumerate(
        zip(("Left", "Top", "Right", "Bottom"), body.outpaint_distance, strict=True)
    ):
        if side in body.outpaint_selections:
            added[index % 2] += pixels or int(OUTPAINT_SHARE * size[index % 2])
    return size[0] + added[0], size[1] + added[1]


def _brought_to(side: int, size: Size) -> Size:
    """Return the size to which the worker scales a picture for that square side: iteratively, in multiples of 64."""
    width, height = size
    for _ in range(256):
        now = _square_side(width, height)
        if now == side or now == 0:
            break
        width, height = (round(length * side / now / GRID) * GRID for length in (width, height))
    return width, height


def _square_side(width: float, height: float) -> int:
    return math.ceil(math.sqrt(height * width) / GRID) * GRID
