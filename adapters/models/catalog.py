"""Lists the checkout's models, LoRAs, VAEs, styles, presets, samplers, schedulers, performances and other choices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from ...tasks.ports.catalog import ControlType, ModelFile, Style, Wildcard
from ...tasks.ports.performance import Performance
from ..host_modules import host_module
from ..task_args.catalog_controls import CONTROLS
from .model_files import model_files, model_kinds
from .styles import style_named
from .wildcards import Wildcards

KIND_OF_CATALOG = {"model_files": "checkpoint", "lora_files": "lora", "vae_files": "vae"}
"""Catalog of files → the kind of their models."""
UPSCALE_CUSTOM = "Upscale (Custom)"
"""The method that the API adds to the host's."""


class Choices(Protocol):
    """The choices of the WebUI's controls."""

    def choices(self, wire_name: str, item_field: str | None = None) -> list[str] | None:
        """Return the values that the control of a field, or of a field of a list's items, offers; None without a control."""


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
    "refiner_swap_methods": lambda: [_flags().refiner_swap_method],
    "uov_methods": lambda: _flags().uov_list,
    "enhance_uov_methods": lambda: _flags().uov_list,
    "outpaint_directions": lambda: (),
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

    def __init__(self, controls: Choices | None = None) -> None:
        """Store the WebUI's controls; without them the lists are those of the host's modules."""
        self._controls = controls
        self._wildcards = Wildcards()
        self._lock = threading.Lock()

    def names(self, kind: str) -> list[str]:
        """Return the names that a request may use. `kind` is a key of `CATALOGS`."""
        shown = self._controls.choices(*CONTROLS[kind]) if self._controls is not None and kind in CONTROLS else None
        names = list(CATALOGS[kind]()) if shown is None else shown
        return [*names, UPSCALE_CUSTOM] if kind == "uov_methods" else names

    def control_types(self) -> list[ControlType]:
        """Return the types of image prompts with their default values."""
        defaults = getattr(_flags(), "default_parameters", {})
        return [ControlType(name, *_stop_and_weight(defaults.get(name))) for name in self.names("control_types")]

    def model_kinds(self) -> list[str]:
        """Return the kinds of models that this host has folders for."""
        return model_kinds()

    def models(self, kinds: list[str]) -> list[ModelFile]:
        """Return the files in the folders of these kinds now. May take long on a network drive."""
        return list(model_files(kinds))

    def style(self, name: str) -> Style | None:
        """Return the style of exactly this name, None if the host has none."""
        return style_named(name)

    def wildcards(self) -> list[Wildcard]:
        """Return all wildcards with the numbers of their lines."""
        return self._wildcards.all()

    def wildcard(self, name: str) -> str:
        """Return the lines that replace `__name__` in a prompt, "" if there are none."""
        return self._wildcards.text(name)

    def performances(self) -> list[Performance]:
        """Return the performances with their steps and LoRAs."""
        return [_performance(member) for member in _flags().Performance]

    def style_texts(self) -> dict[str, tuple[str, str]]:
        """Return the positive and the negative text of each style by its name; `{prompt}` stands for the prompt."""
        return dict(host_module("modules.sdxl_styles").styles)

    def hashes(self, kind: str) -> dict[str, str]:
        """Return name → start of the SHA-256 of the files in a catalog, such as `model_files`, whose hash the host knows."""
        return {file.name: file.hash for file in model_files([KIND_OF_CATALOG[kind]]) if file.hash}

    def refresh(self) -> None:
        """Rescan the host's folders for added and removed files."""
        with self._lock:
            _config().update_files()


def _stop_and_weight(values: Any) -> tuple[float | None, float | None]:
    with suppress(TypeError, ValueError):
        stop, weight = values
        return float(stop), float(weight)
    return None, None


def _performance(member: Any) -> Performance:
    """Return a member of the host's enumeration. Older versions know no LoRAs of performances."""
    file = getattr(member, "lora_filename", lambda: None)()
    return Performance(member.value, getattr(member, "steps", lambda: None)(), file)
