"""Lists the checkout's models, LoRAs, VAEs, styles, presets, samplers, schedulers, performances and formats."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path, PurePath
from typing import Any

FILES = {"model_files": "model_filenames", "lora_files": "lora_filenames", "vae_files": "vae_filenames"}
"""Kind → the host's list of files in its folders, as of its last scan."""


class FooocusCatalog:
    """Reads the running host's modules at every call, so that changes of its config or by a refresh are visible."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def names(self, kind: str) -> list[str]:
        """Return the names that a request may use.

        Args:
            kind: models, refiners, loras, vaes, styles, presets, samplers, schedulers, performances, aspect_ratios,
                output_formats, metadata_schemes, refiner_swap_methods, uov_methods, enhance_uov_methods,
                outpaint_directions, control_types, inpaint_engines, mask_models, cloth_categories, sam_models,
                enhance_orders or enhance_prompt_types; model_files, lora_files or vae_files for files alone.

        Raises:
            ValueError: the kind is unknown.
        """
        config, flags = _module("modules.config"), _module("modules.flags")
        if kind in FILES:
            return list(dict.fromkeys(getattr(config, FILES[kind])))  # several folders may have a file of the same name
        match kind:
            case "models":
                return list(config.model_filenames)
            case "refiners":
                return ["None", *config.model_filenames]
            case "loras":
                return ["None", *config.lora_filenames]
            case "lora_files":
                return list(config.lora_filenames)
            case "vae_files":
                return list(config.vae_filenames)
            case "vaes":
                return [flags.default_vae, *config.vae_filenames]
            case "styles":
                return list(_module("modules.sdxl_styles").legal_style_names)
            case "presets":
                return list(config.get_presets())
            case "samplers":
                return list(flags.sampler_list)
            case "schedulers":
                return list(flags.scheduler_list)
            case "performances":
                return [performance.value for performance in flags.Performance]
            case "aspect_ratios":
                return list(config.available_aspect_ratios)
            case "output_formats":
                return [output_format.value for output_format in flags.OutputFormat]
            case "metadata_schemes":
                return [scheme.value for scheme in flags.MetadataScheme]
            case "refiner_swap_methods":
                return ["joint", "separate", "vae"]
            case "uov_methods":
                return [*flags.uov_list, "Upscale (Custom)"]
            case "enhance_uov_methods":
                return list(flags.uov_list)
            case "outpaint_directions":
                return ["Left", "Right", "Top", "Bottom"]
            case "control_types":
                return list(flags.ip_list)
            case "inpaint_engines":
                return list(flags.inpaint_engine_versions)
            case "mask_models":
                return list(flags.inpaint_mask_models)
            case "cloth_categories":
                return list(flags.inpaint_mask_cloth_category)
            case "sam_models":
                return list(flags.inpaint_mask_sam_model)
            case "enhance_orders":
                return list(flags.enhancement_uov_processing_order)
            case "enhance_prompt_types":
                return list(flags.enhancement_uov_prompt_types)
        raise ValueError(f"there is no catalog of {kind!r}")

    def wildcard(self, name: str) -> str:
        """Return the lines that replace `__name__` in a prompt, "" if there are none."""
        config = _module("modules.config")
        files = [file for file in config.wildcard_filenames if PurePath(file).stem == name]
        try:
            return Path(config.path_wildcards, files[0]).read_text(encoding="utf-8")
        except (IndexError, OSError, ValueError):
            return ""

    def refresh(self) -> None:
        """Rescan the host's folders for added and removed files."""
        with self._lock:
            _module("modules.config").update_files()


def _module(name: str) -> Any:
    return importlib.import_module(name)
