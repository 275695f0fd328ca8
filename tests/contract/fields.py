"""Every field of a request with the equivalent controls of the WebUI. Imported by the tests and by the host's process.

A control is named by its variable in the host's `webui` module; one in a list has an index: `freeu_ctrls[2]`. Its value
is the value that the browser would send for it.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import Any

import numpy
from PIL import Image as PILImage

ANOTHER = "<another>"
"""Placeholder, on both sides, for a choice that the control offers and that is not its current value."""


@dataclass(frozen=True)
class Row:
    """A request, the equivalent controls of the WebUI, the task's attributes for the extension itself (`extras`), and the preset
    that is chosen in the WebUI before its controls are touched.
    """

    fields: dict[str, Any]
    controls: dict[str, Any]
    extras: dict[str, Any] = field(default_factory=dict)
    preset: str | None = None


def picture(width: int = 41, height: int = 29, seed: int = 0) -> numpy.ndarray[Any, Any]:
    """Return noise, so that no two pixels are interchangeable."""
    return numpy.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=numpy.uint8)


def painted(width: int = 41, height: int = 29) -> numpy.ndarray[Any, Any]:
    """Return a mask with one corner painted."""
    mask = numpy.zeros((height, width, 3), numpy.uint8)
    mask[:13, :17] = 255
    return mask


def png(array: numpy.ndarray[Any, Any]) -> str:
    """Encode as a PNG in base64."""
    buffer = io.BytesIO()
    PILImage.fromarray(array).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def uploaded(array: numpy.ndarray[Any, Any]) -> str:
    """Encode as the browser does."""
    return f"data:image/png;base64,{png(array)}"


def sketched(image: numpy.ndarray[Any, Any], mask: numpy.ndarray[Any, Any]) -> dict[str, str]:
    """Return an image with a painted mask, as the browser sends it."""
    return {"image": uploaded(image), "mask": uploaded(mask)}


PRESETS: dict[str, dict[str, Any]] = {
    "everything": {
        "default_model": "<second checkpoint>",
        "default_refiner": "<first checkpoint>",
        "default_refiner_switch": 0.6,
        "default_loras": [[True, "<lora>", 0.4], [False, "<lora>", 0.2], [True, "None", 1.0]],
        "default_cfg_scale": 6.5,
        "default_sample_sharpness": 3.5,
        "default_cfg_tsnr": 5.5,
        "default_clip_skip": 3,
        "default_sampler": "euler",
        "default_scheduler": "normal",
        "default_overwrite_step": 12,
        "default_overwrite_switch": 6,
        "default_performance": "Quality",
        "default_image_number": 3,
        "default_prompt": "a preset's prompt",
        "default_prompt_negative": "a preset's negative prompt",
        "default_styles": ["Fooocus V2"],
        "default_aspect_ratio": "704*1408",
        "default_inpaint_engine_version": "v1",
    },
    "nothing": {},
    "a size of its own": {"default_aspect_ratio": "640*704", "default_prompt": ""},
    "too many": {"default_loras": [["<lora>", weight / 10] for weight in range(1, 9)]},
}
"""Presets that are added to the host; its files' names replace those in angle brackets."""

BASE = Row({"image_seed": 1}, {"image_seed": "1", "image_number": 1, "save_metadata_to_images": True})
"""Base of every row: a seed, which would otherwise be random, and the defaults that the wire format fixes."""


# -------------------------------------------------------------------------------- one control each

PLAIN: dict[str, Any] = {
    "prompt": "a prompt\nof two lines",
    "negative_prompt": "a negative prompt",
    "style_selections": [ANOTHER],
    "performance_selection": ANOTHER,
    "image_number": 7,
    "output_format": ANOTHER,
    "read_wildcards_in_order": True,
    "sharpness": 3.5,
    "guidance_scale": 5.5,
    "refiner_switch": 0.7,
    "disable_preview": True,
    "disable_intermediate_results": True,
    "disable_seed_increment": True,
    "black_out_nsfw": True,
    "adm_scaler_positive": 1.1,
    "adm_scaler_negative": 1.2,
    "adm_scaler_end": 0.4,
    "adaptive_cfg": 8.5,
    "clip_skip": 3,
    "sampler_name": ANOTHER,
    "scheduler_name": ANOTHER,
    "vae_name": ANOTHER,
    "overwrite_step": 11,
    "overwrite_switch": 5,
    "overwrite_width": 320,
    "overwrite_height": 384,
    "refiner_swap_method": ANOTHER,
    "save_metadata_to_images": False,
    "metadata_scheme": ANOTHER,
    "generate_image_grid": True,
    "overwrite_vary_strength": 0.3,
    "overwrite_upscale_strength": 0.4,
    "inpaint_additional_prompt": "a hat",
    "mixing_image_prompt_and_vary_upscale": True,
    "mixing_image_prompt_and_inpaint": True,
    "debugging_cn_preprocessor": True,
    "skipping_cn_preprocessor": True,
    "canny_low_threshold": 70,
    "canny_high_threshold": 140,
    "controlnet_softness": 0.5,
    "debugging_dino": True,
    "dino_erode_or_dilate": -4,
    "debugging_enhance_masks_checkbox": True,
    "enhance_checkbox": True,
    "enhance_uov_processing_order": ANOTHER,
    "enhance_uov_prompt_type": ANOTHER,
    "save_final_enhanced_image_only": True,
    "translate_prompts": True,
}
"""Fields whose control has their name, with a value that is not the default."""

RENAMED: dict[str, tuple[str, Any]] = {
    "base_model_name": ("base_model", ANOTHER),
    "refiner_model_name": ("refiner_model", ANOTHER),
    "freeu_enabled": ("freeu_ctrls[0]", True),
    "freeu_b1": ("freeu_ctrls[1]", 1.5),
    "freeu_b2": ("freeu_ctrls[2]", 1.6),
    "freeu_s1": ("freeu_ctrls[3]", 0.5),
    "freeu_s2": ("freeu_ctrls[4]", 0.6),
    "debugging_inpaint_preprocessor": ("inpaint_ctrls[0]", True),
    "inpaint_disable_initial_latent": ("inpaint_ctrls[1]", True),
    "inpaint_engine": ("inpaint_ctrls[2]", ANOTHER),
    "inpaint_strength": ("inpaint_ctrls[3]", 0.7),
    "inpaint_respective_field": ("inpaint_ctrls[4]", 0.5),
    "inpaint_erode_or_dilate": ("inpaint_ctrls[7]", 3),
}
"""Fields whose control has another name, or is in a list."""

NOT_EVERYWHERE = frozenset({"save_final_enhanced_image_only", "translate_prompts"})
"""Fields that only some versions or forks have; their rows count if the host has the control."""

NOT_DRAWN: dict[str, Any] = {
    "stream_output": True,
    "async_process": True,
    "require_base64": True,
    "webhook_url": "",
    "repeat_of": "",
    "priority": 3,
    "tags": ["a tag"],
    "client_data": {"chat": 1},
    "input_image_checkbox": True,
    "inpaint_mask_upload_checkbox": True,
    "invert_mask_checkbox": True,
    "inpaint_advanced_masking_checkbox": True,
    "current_tab": "ip",
    "no_such_field": 1,
}
"""Fields that don't affect the image: about the response or the queue, ignored by design, and a typo."""
