"""The checkout's presets as request fields, and the files that they need."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from ...tasks.model.model_files import native
from ...tasks.queue.model_downloads import Download
from ..host_modules import host_module

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


class FooocusPresets:
    """Implements `api.context.Presets` on a running host. Names are those of the catalog; `initial` has no values."""

    def values(self, name: str) -> dict[str, Any]:
        return _values(name)

    def downloads(self, name: str) -> list[Download]:
        return _downloads(name)


def _values(name: str) -> dict[str, Any]:
    """Return the values of a preset by request field."""
    content = _content(name)
    values = {field: content[key] for key, field in FIELDS.items() if content.get(key) is not None}
    if values.get("prompt") == "":
        del values["prompt"]
    if isinstance(loras := content.get("default_loras"), list):
        # Fooocus 2.5 writes [enabled, name, weight], older presets [name, weight]
        places = host_module("modules.config").default_max_lora_number
        values["loras"] = [item for lora in loras if (item := _lora(lora)) is not None][:places]
    if isinstance(number := values.get("image_number"), int) and number < 1:
        del values["image_number"]  # the minimum of the WebUI's slider is 1
    if "aspect_ratios_selection" in values:
        values.update(_size(str(values.pop("aspect_ratios_selection"))))
    if "base_model_name" in values:
        values["base_model_name"] = _model_at_hand(content)
    return values


def _downloads(name: str) -> list[Download]:
    """Return the missing files that a preset names."""
    content = _content(name)
    if _skips_downloads():
        return []
    config, util = host_module("modules.config"), host_module("modules.util")
    folders = {
        "checkpoint_downloads": config.paths_checkpoints,
        "lora_downloads": config.paths_loras,
        "embeddings_downloads": [config.path_embeddings],
        "vae_downloads": [getattr(config, "path_vae", "")],
    }
    if content.get("default_model") and _model_at_hand(content) != native(str(content["default_model"])):
        folders["checkpoint_downloads"] = []  # a previous model is used instead
    wanted = [
        Download(_mirrored(url), Path(util.get_file_from_folder_list(native(file), paths)))
        for key, paths in folders.items()
        if paths
        for file, url in (content.get(key) or {}).items()
    ]
    return [download for download in wanted if not download.path.is_file()]


def _lora(value: Any) -> dict[str, Any] | None:
    """Return a LoRA as an item of a request, None if it is invalid: the WebUI skips these as well."""
    if not isinstance(value, list | tuple) or len(value) not in (2, 3):
        return None
    on, file, weight = (True, *value) if len(value) == 2 else value
    try:
        return {"enabled": bool(on), "model_name": str(file), "weight": float(weight)}
    except (TypeError, ValueError):
        return None


def _size(ratio: str) -> dict[str, Any]:
    """Return a listed aspect ratio unchanged, any other size as width and height, and {} for an invalid one."""
    listed = host_module("modules.config").available_aspect_ratios
    sides = re.fullmatch(r"\s*(\d{1,5})\s*[*×xX]\s*(\d{1,5})\s*", ratio)
    if sides is None:
        return {"aspect_ratios_selection": ratio} if ratio in listed else {}
    width, height = int(sides[1]), int(sides[2])
    if f"{width}*{height}" in listed:
        return {"aspect_ratios_selection": f"{width}*{height}"}
    return {"overwrite_width": width, "overwrite_height": height}


def _content(name: str) -> dict[str, Any]:
    config = host_module("modules.config")
    if name == "initial" or name not in config.get_presets():  # never accept a path: the host would open it
        return {}
    content = config.try_get_preset_content(name)
    return content if isinstance(content, dict) else {}


def _model_at_hand(content: dict[str, Any]) -> str:
    """Return the preset's model, or one of its predecessors if only that is installed, as the host does."""
    config, util = host_module("modules.config"), host_module("modules.util")
    model = native(str(content["default_model"]))
    if getattr(host_module("args_manager").args, "always_download_new_model", False):
        return model
    for candidate in (model, *(native(str(name)) for name in content.get("previous_default_models") or ())):
        if os.path.isfile(util.get_file_from_folder_list(candidate, config.paths_checkpoints)):
            return candidate
    return model


def _skips_downloads() -> bool:
    return bool(getattr(host_module("args_manager").args, "disable_preset_download", False))


def _mirrored(url: str) -> str:
    return url.replace("https://huggingface.co", os.environ.get("HF_MIRROR", "https://huggingface.co").rstrip("/"), 1)
