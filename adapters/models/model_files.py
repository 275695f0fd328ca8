"""Lists the files in the host's model folders with their sizes, times and hashes."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ...tasks.ports.catalog import ModelFile
from ..host_modules import host_module, loaded_module

log = logging.getLogger("fooocus_api.models")

KINDS = {
    "checkpoint": "paths_checkpoints",
    "lora": "paths_loras",
    "vae": "path_vae",
    "embedding": "path_embeddings",
    "vae_approx": "path_vae_approx",
    "upscale_model": "path_upscale_models",
    "inpaint": "path_inpaint",
    "controlnet": "path_controlnet",
    "clip_vision": "path_clip_vision",
    "prompt_expansion": "path_fooocus_expansion",
    "safety_checker": "path_safety_checker",
    "sam": "path_sam",
}
"""Kind of a model → the host's setting with its folders."""


def model_kinds() -> list[str]:
    """Return the kinds of models that this host has folders for."""
    config = host_module("modules.config")
    return [kind for kind, setting in KINDS.items() if getattr(config, setting, None)]


def model_files(kinds: list[str]) -> Iterator[ModelFile]:
    """Yield the model files of these kinds, each name once per kind: of several folders the host uses the first."""
    config, util = host_module("modules.config"), host_module("modules.util")
    # Hashes that the host has computed in this process or read from its cache file. A host without the module has none.
    hashes: dict[str, Any] = getattr(loaded_module("modules.hash_cache"), "hash_cache", {})
    for kind in kinds:
        folders = getattr(config, KINDS[kind])
        for name in _names(config, kind, folders):
            path = util.get_file_from_folder_list(name, folders)
            with suppress(OSError):  # deleted just now, or a broken link
                status = os.stat(path)
                known = hashes.get(path)
                digest = known if isinstance(known, str) else None
                yield ModelFile(name, kind, status.st_size, status.st_mtime, digest)


def _names(config: Any, kind: str, folders: str | list[str]) -> dict[str, None]:
    """Return the names of the files in the folders of a kind, in their order. A folder that is gone has none."""
    names: dict[str, None] = {}
    for folder in [folders] if isinstance(folders, str) else folders:
        try:
            names |= dict.fromkeys(config.get_model_filenames([folder]))
            if kind == "inpaint":  # the host's own list leaves them out
                names |= dict.fromkeys(config.get_model_filenames([folder], [".patch"]))
        except (OSError, ValueError) as error:
            log.warning("model folder not listed", extra={"kind": kind, "reason": str(error)})
    return names
