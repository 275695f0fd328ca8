"""The checkout's presets as request fields, and the files that they need."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...tasks.model.workload.model_files import native
from ...tasks.queue.model_downloads import Download
from ..host_modules import host_module
from ..presets.preset_files import PresetFiles
from ..task_args.preset_fields import WRITABLE, preset_content, preset_fields


class FooocusPresets:
    """Implements `api.context.Presets` on a running host. Names are those of the catalog; `initial` has no values."""

    def __init__(self) -> None:
        self._files = PresetFiles()

    def fields(self) -> frozenset[str]:
        return WRITABLE

    def is_own(self, name: str) -> bool:
        return self._files.is_own(name)

    def write(self, name: str, fields: dict[str, Any]) -> bool:
        return self._files.write(name, preset_content(fields))

    def remove(self, name: str) -> None:
        self._files.remove(name)

    def values(self, name: str) -> dict[str, Any]:
        return _values(name)

    def downloads(self, name: str) -> list[Download]:
        return _downloads(name)


def _values(name: str) -> dict[str, Any]:
    """Return the values of a preset by request field."""
    content = _content(name)
    config = host_module("modules.config")
    if content.get("default_model") is not None:
        content = {**content, "default_model": _model_at_hand(content)}
    return preset_fields(content, config.default_max_lora_number, config.available_aspect_ratios)


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
