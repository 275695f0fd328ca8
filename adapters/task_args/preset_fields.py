"""The values of a preset as fields of a request."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

FIELDS = {
    "default_model": "base_model_name",
    "default_refiner": "refiner_model_name",
    "default_refiner_switch": "refiner_switch",
    "default_cfg_scale": "guidance_scale",
    "default_sample_sharpness": "sharpness",
    "default_cfg_tsnr": "adaptive_cfg",
    "default_clip_skip": "clip_skip",
    "default_sampler": "sampler_name",
    "default_scheduler": "scheduler_name",
    "default_vae": "vae_name",
    "default_overwrite_step": "overwrite_step",
    "default_overwrite_switch": "overwrite_switch",
    "default_performance": "performance_selection",
    "default_image_number": "image_number",
    "default_prompt": "prompt",
    "default_prompt_negative": "negative_prompt",
    "default_styles": "style_selections",
    "default_aspect_ratio": "aspect_ratios_selection",
    "default_save_metadata_to_images": "save_metadata_to_images",
    "default_inpaint_engine_version": "inpaint_engine",
}
"""Key of a preset file → field of a request."""


SIDES = ("overwrite_width", "overwrite_height")
WRITABLE = frozenset({*FIELDS.values(), *SIDES, "loras"})
"""Fields of a request that a preset can hold. A preset has one size, so both sides belong together."""


def preset_content(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a preset file for these fields of a request, in the order of `FIELDS`.

    Args:
        fields: fields in `WRITABLE`; LoRAs as in a request. Both sides or none, and with them no aspect ratio.
    """
    values = dict(fields)
    sides = [values.pop(side) for side in SIDES if side in values]
    if sides:
        values["aspect_ratios_selection"] = "*".join(map(str, sides))
    content = {key: values[field] for key, field in FIELDS.items() if field in values}
    if "loras" in values:
        content["default_loras"] = [[lora["enabled"], lora["model_name"], lora["weight"]] for lora in values["loras"]]
    return content


def preset_fields(content: dict[str, Any], max_loras: int, aspect_ratios: Collection[str]) -> dict[str, Any]:
    """Return the values of a preset file by request field.

    Args:
        max_loras: the host's number of LoRAs; further ones are left out.
        aspect_ratios: the sizes that the host lists.
    """
    values = {field: content[key] for key, field in FIELDS.items() if content.get(key) is not None}
    if values.get("prompt") == "":
        del values["prompt"]
    if isinstance(loras := content.get("default_loras"), list):
        # Fooocus 2.5 writes [enabled, name, weight], older presets [name, weight]
        values["loras"] = [item for lora in loras if (item := _lora(lora)) is not None][:max_loras]
    if isinstance(number := values.get("image_number"), int) and number < 1:
        del values["image_number"]  # the minimum of the WebUI's slider is 1
    if "aspect_ratios_selection" in values:
        values.update(_size(str(values.pop("aspect_ratios_selection")), aspect_ratios))
    return values


def _lora(value: Any) -> dict[str, Any] | None:
    """Return a LoRA as an item of a request, None if it is invalid: the WebUI skips these as well."""
    if not isinstance(value, list | tuple) or len(value) not in (2, 3):
        return None
    on, file, weight = (True, *value) if len(value) == 2 else value
    try:
        return {"enabled": bool(on), "model_name": str(file), "weight": float(weight)}
    except (TypeError, ValueError):
        return None


def _size(ratio: str, listed: Collection[str]) -> dict[str, Any]:
    """Return a listed aspect ratio unchanged, any other size as width and height, and {} for an invalid one."""
    sides = re.fullmatch(r"\s*(\d{1,5})\s*[*×xX]\s*(\d{1,5})\s*", ratio)
    if sides is None:
        return {"aspect_ratios_selection": ratio} if ratio in listed else {}
    width, height = int(sides[1]), int(sides[2])
    if f"{width}*{height}" in listed:
        return {"aspect_ratios_selection": f"{width}*{height}"}
    return {"overwrite_width": width, "overwrite_height": height}
