"""The second pass of hires fix: each image is enlarged by a task of its own."""

from __future__ import annotations

from typing import Any

from .....asgi.error_codes import FieldErrorCode
from .....images.references import ImageReference
from .....images.views.sizes import MAX_SIDE
from .....tasks.model.task import Image, Task
from ....context import Context
from ....responses.problems import invalid_field
from ..names.checkpoints import find_file
from ..pictures import Size
from ..routing import Refused
from .bodies import TextToImageBody
from .translation import MAX_STEPS, Draft, sampling_fields
from .values import clamped

UPSCALE = "Upscale (Custom)"
STRENGTH = 0.7
MAX_ENLARGED = 5.0
"""Fooocus's largest factor."""
SAME = ("", "none", "use same checkpoint")
OF_FIRST_PASS = (
    *("controlnet_image", "skipping_cn_preprocessor", "overwrite_step", "image_seed"),
    *("aspect_ratios_selection", "overwrite_width", "overwrite_height"),
    *("enhance_checkbox", "enhance_ctrls", "save_final_enhanced_image_only"),
)
"""Fields of the first pass that the second one does not have."""


def final_size(body: TextToImageBody, size: Size) -> Size | None:
    """Return the size after the second pass, None if there is none: it is off, or enlarges nothing.

    Raises:
        InvalidFields: a side is too long.
    """
    if not body.enable_hr:
        return None
    width, height = max(body.hr_resize_x, 0), max(body.hr_resize_y, 0)
    if width and not height:
        height = round(size[1] * width / size[0])
    elif height and not width:
        width = round(size[0] * height / size[1])
    elif not width:
        scale = clamped(body.hr_scale, 0, 64)
        width, height = round(size[0] * scale), round(size[1] * scale)
    if width * height <= size[0] * size[1]:
        return None
    if max(width, height) > MAX_SIDE:
        message = f"would give {width}x{height} pixels; at most {MAX_SIDE} per side are allowed"
        raise invalid_field("hr_scale", FieldErrorCode.OUT_OF_RANGE, message)
    return width, height


def second_pass(body: TextToImageBody, first: Task, image: Image, size: Size) -> dict[str, Any]:
    """Return the fields of a generate request that enlarges an image of the first pass to a size, or to less of it if Fooocus
    generated it larger than asked for."""
    generated = image.width or size[0], image.height or size[1]
    factor = max(size[0] / generated[0], size[1] / generated[1])
    strength = STRENGTH if body.denoising_strength is None else body.denoising_strength
    return {
        "uov_input_image": str(ImageReference.output(image.path)),
        "uov_method": UPSCALE,
        "upscale_multiple": clamped(factor, 1.0, MAX_ENLARGED),
        "overwrite_upscale_strength": clamped(strength, 0.01, 1),
        "image_number": 1,
        "image_seed": image.seed if image.seed is not None else first.parameters.get("image_seed"),
    }


def fields_of_second_pass(body: TextToImageBody, draft: Draft, context: Context) -> dict[str, Any]:
    """Return the fields that the second passes of all images have in common. Reads the model folders: off the event loop.

    Raises:
        Refused: 404, the second pass has a sampler or a checkpoint that the host does not have.
    """
    values = {name: value for name, value in draft.values.items() if name not in OF_FIRST_PASS}
    fields, is_exact = sampling_fields(body.hr_sampler_name, body.hr_scheduler, context)
    values.update(fields)
    if not is_exact:
        draft.ignored.append("hr_scheduler")
    checkpoint = (body.hr_checkpoint_name or "").strip()
    if checkpoint.casefold() not in SAME:
        file = find_file(context.host.catalog, "model_files", checkpoint)
        if file is None:
            raise Refused(404, "Model not found")
        values["base_model_name"] = file
    if body.hr_second_pass_steps > 0:
        values["overwrite_step"] = min(body.hr_second_pass_steps, MAX_STEPS)
    if body.hr_prompt:
        values["prompt"] = body.hr_prompt
    if body.hr_negative_prompt:
        values["negative_prompt"] = body.hr_negative_prompt
    return values
