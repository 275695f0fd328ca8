"""What the checkout offers: models, LoRAs, VAEs, styles, presets, samplers, schedulers, performances, formats."""

from __future__ import annotations

import importlib
import threading
from typing import Any

FILES = {"models": "model_filenames", "loras": "lora_filenames", "vaes": "vae_filenames"}


class FooocusCatalog:
    """Reads the running host's modules anew at every call, so what its config or a refresh changes is seen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def names(self, kind: str) -> list[str]:
        """What may be named in a request.

        Args:
            kind: models, refiners, loras, vaes, styles, presets, samplers, schedulers, performances, aspect_ratios,
                output_formats, metadata_schemes or refiner_swap_methods.
        """
        config, flags = _module("modules.config"), _module("modules.flags")
        match kind:
            case "models":
                return list(config.model_filenames)
            case "refiners":
                return ["None", *config.model_filenames]
            case "loras":
                return ["None", *config.lora_filenames]
            case "vaes":
                return [flags.default_vae, *config.vae_filenames]
            case "styles":
                return list(_module("modules.sdxl_styles").legal_style_names)
            case "presets":
                return list(config.available_presets)
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
        raise ValueError(f"there is no catalog of {kind!r}")

    def refresh(self) -> None:
        """Look for files that came or went since the host looked last."""
        with self._lock:
            _module("modules.config").update_files()


def _module(name: str) -> Any:
    return importlib.import_module(name)
