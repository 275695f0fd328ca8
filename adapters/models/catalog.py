"""Lists the checkout's models, LoRAs, VAEs, styles, presets, samplers, schedulers, performances and formats."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath
from typing import Any

from ..host_modules import host_module

REFINER_SWAP_METHODS = ("joint", "separate", "vae")
OUTPAINT_DIRECTIONS = ("Left", "Right", "Top", "Bottom")
"""Choices that the host writes out in the WebUI's code."""


def _config() -> Any:
    return host_module("modules.config")


def _flags() -> Any:
    return host_module("modules.flags")


def _distinct(names: Iterable[str]) -> list[str]:
    """Return the names without repetitions: several folders may have a file of the same name."""
    return list(dict.fromkeys(names))


def _values(members: Iterable[Any]) -> list[str]:
    return [member.value for member in members]


CATALOGS: dict[str, Callable[[], Iterable[str]]] = {
    "models": lambda: _config().model_filenames,
    "refiners": lambda: ["None", *_config().model_filenames],
    "loras": lambda: ["None", *_config().lora_filenames],
    "vaes": lambda: [_flags().default_vae, *_config().vae_filenames],
    "model_files": lambda: _distinct(_config().model_filenames),
    "lora_files": lambda: _distinct(_config().lora_filenames),
    "vae_files": lambda: _distinct(_config().vae_filenames),
    "styles": lambda: host_module("modules.sdxl_styles").legal_style_names,
    "presets": lambda: _config().get_presets(),
    "samplers": lambda: _flags().sampler_list,
    "schedulers": lambda: _flags().scheduler_list,
    "performances": lambda: _values(_flags().Performance),
    "aspect_ratios": lambda: _config().available_aspect_ratios,
    "output_formats": lambda: _values(_flags().OutputFormat),
    "metadata_schemes": lambda: _values(_flags().MetadataScheme),
    "refiner_swap_methods": lambda: REFINER_SWAP_METHODS,
    "uov_methods": lambda: [*_flags().uov_list, "Upscale (Custom)"],
    "enhance_uov_methods": lambda: _flags().uov_list,
    "outpaint_directions": lambda: OUTPAINT_DIRECTIONS,
    "control_types": lambda: _flags().ip_list,
    "inpaint_engines": lambda: _flags().inpaint_engine_versions,
    "mask_models": lambda: _flags().inpaint_mask_models,
    "cloth_categories": lambda: _flags().inpaint_mask_cloth_category,
    "sam_models": lambda: _flags().inpaint_mask_sam_model,
    "enhance_orders": lambda: _flags().enhancement_uov_processing_order,
    "enhance_prompt_types": lambda: _flags().enhancement_uov_prompt_types,
}
"""Kind → the host's names of it. `model_files`, `lora_files` and `vae_files` are the files alone, as of the host's last scan."""


class FooocusCatalog:
    """Reads the running host's modules at every call, so that changes of its config or by a refresh are visible."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def names(self, kind: str) -> list[str]:
        """Return the names that a request may use. `kind` is a key of `CATALOGS`."""
        return list(CATALOGS[kind]())

    def wildcard(self, name: str) -> str:
        """Return the lines that replace `__name__` in a prompt, "" if there are none."""
        config = _config()
        files = [file for file in config.wildcard_filenames if PurePath(file).stem == name]
        try:
            return Path(config.path_wildcards, files[0]).read_text(encoding="utf-8")
        except (IndexError, OSError, ValueError):
            return ""

    def refresh(self) -> None:
        """Rescan the host's folders for added and removed files."""
        with self._lock:
            _config().update_files()
