"""The host's folders of model files, the files it has loaded, and the hashes it knows.

Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import ast
import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...model_files.kinds import FileKind
from ...tasks.ports.model_folders import ModelFolder, Role
from ..host_modules import host_module, loaded_module
from .catalog import FooocusCatalog
from .memory import CHECKPOINTS, PIPELINE, model_loaded

log = logging.getLogger("fooocus_api.model_files")

USUAL = frozenset({FileKind.SAFETENSORS, FileKind.PICKLE})
WITH_ONNX = USUAL | {FileKind.ONNX}
FOLDERS: dict[str, tuple[str, Role, frozenset[FileKind]]] = {
    "checkpoints": ("paths_checkpoints", Role.CHECKPOINT, USUAL),
    "loras": ("paths_loras", Role.LORA, USUAL),
    "vae": ("path_vae", Role.VAE, USUAL),
    "embeddings": ("path_embeddings", Role.OTHER, USUAL),
    "vae_approx": ("path_vae_approx", Role.OTHER, USUAL),
    "upscale_models": ("path_upscale_models", Role.OTHER, USUAL),
    "inpaint": ("path_inpaint", Role.OTHER, WITH_ONNX),
    "controlnet": ("path_controlnet", Role.OTHER, USUAL),
    "clip_vision": ("path_clip_vision", Role.OTHER, WITH_ONNX),
    "safety_checker": ("path_safety_checker", Role.OTHER, USUAL),
    "sam": ("path_sam", Role.OTHER, USUAL),
}
"""Folder → the host's variable, the part of its files in a task, and the formats that the host loads from there."""


class FooocusModelFolders:
    """Implements `tasks.ports.model_folders.ModelFolders` on a running host."""

    def __init__(self, catalog: FooocusCatalog) -> None:
        self._catalog = catalog

    def folders(self) -> list[ModelFolder]:
        config = host_module("modules.config")
        found = []
        for name, (variable, role, kinds) in FOLDERS.items():
            value = getattr(config, variable, None)
            paths = tuple(Path(os.path.abspath(path)) for path in ([value] if isinstance(value, str) else value or ()))
            if paths:
                found.append(ModelFolder(name, paths, role, kinds))
        return found

    def refresh(self) -> None:
        self._catalog.refresh()

    def loaded(self) -> set[Path]:
        if not model_loaded():  # the pipeline may remember names after an unload
            return set()
        files = set()
        with contextlib.suppress(RuntimeError):  # the worker changes these variables
            files = set(_loaded_files(loaded_module(PIPELINE)))
        return {Path(os.path.realpath(file)) for file in files}

    def short_hash(self, path: Path) -> str | None:
        known = getattr(loaded_module("modules.hash_cache"), "hash_cache", None)
        value = known.get(os.path.realpath(path)) if isinstance(known, dict) else None
        return value if isinstance(value, str) else None

    def forget(self, path: Path) -> None:
        module = loaded_module("modules.hash_cache")
        known = getattr(module, "hash_cache", None)
        if isinstance(known, dict) and known.pop(os.path.realpath(path), None) is not None:
            try:
                module.save_cache_to_file()
            except Exception:
                log.exception("hash of a deleted model not removed from the host's cache")


def _loaded_files(pipeline: Any) -> Iterator[str]:
    """Yield the paths of the loaded checkpoints, of the VAE and of the LoRAs."""
    util = loaded_module("modules.util")
    for variable in CHECKPOINTS:
        model = getattr(pipeline, variable, None)
        for attribute in ("filename", "vae_filename"):
            value = model.get(attribute) if isinstance(model, dict) else getattr(model, attribute, None)
            if isinstance(value, str):
                yield value
        for name in _lora_names(getattr(model, "visited_loras", "")):
            yield str(util.get_file_from_folder_list(name, host_module("modules.config").paths_loras))


def _lora_names(visited: Any) -> list[str]:
    """Return the names in the text by which the host remembers a model's LoRAs, a list of pairs of name and weight."""
    try:
        return [str(name) for name, _ in ast.literal_eval(visited or "[]")]
    except (ValueError, SyntaxError, TypeError):
        return []
