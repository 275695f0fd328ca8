"""The running host's properties and model files as the domain's Runs.

Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...tasks.ports.runs import UsedModelFile
from ..host_modules import host_module, loaded_module
from ..task_args.prompt_fields import LORAS, PERFORMANCE, STYLES, prompt_fields
from ..task_args.workload_fields import checkpoints, vae
from .prompts import lora_files

PRECISION_FLAGS = (
    *("all_in_", "always_", "attention_", "clip_in_", "disable_attention_", "disable_xformers", "directml"),
    *("pytorch_deterministic", "unet_in_", "vae_in_"),
)
"""Beginnings of the launch flags that change the precision or the order of computations."""
EXPANSION_WEIGHTS = "pytorch_model.bin"


class FooocusRuns:
    """Implements `tasks.ports.runs.Runs` on a running host."""

    def host(self) -> dict[str, str]:
        management = loaded_module("ldm_patched.modules.model_management")
        device = management.get_torch_device_name(management.get_torch_device()) if management is not None else ""
        args = vars(host_module("args_manager").args)
        flags = [f"{name}={value}" for name, value in sorted(args.items()) if name.startswith(PRECISION_FLAGS)]
        versions = {name: getattr(loaded_module(name), "__version__", "") for name in ("torch", "xformers")}
        return {
            "Fooocus": str(getattr(loaded_module("fooocus_version"), "version", "")),
            **{name: str(version) for name, version in versions.items()},
            "device": str(device),
            "flags": " ".join(flags),
        }

    def model_files(self, parameters: dict[str, Any]) -> list[UsedModelFile]:
        return list(_files(parameters))


def _files(parameters: dict[str, Any]) -> Iterator[UsedModelFile]:
    config, flags = host_module("modules.config"), host_module("modules.flags")
    for field, name in checkpoints(parameters):
        yield replace(_file(field, name, config.paths_checkpoints), stays_loaded=True)
    if (found := vae(parameters, flags.default_vae)) is not None:
        yield replace(_file(*found, config.path_vae), stays_loaded=True)
    own, added = lora_files(parameters)
    for name in own:
        yield _file(LORAS, name, config.paths_loras)
    for name in added:
        yield replace(_file(PERFORMANCE, name, config.paths_loras), is_downloaded=True)
    expansion = host_module("modules.sdxl_styles").fooocus_expansion
    if expansion in prompt_fields(parameters, ()).styles:
        weights = Path(config.path_fooocus_expansion, EXPANSION_WEIGHTS)
        yield UsedModelFile(STYLES, expansion, weights, is_downloaded=True)


def _file(field: str, name: str, folders: Any) -> UsedModelFile:
    return UsedModelFile(field, name, Path(host_module("modules.util").get_file_from_folder_list(name, folders)))
