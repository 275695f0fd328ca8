"""Unloads the host's models and reloads them before the next task. Worker thread only.

The host itself moves models off the GPU. But its pipeline and its helpers keep their loaded models for the lifetime of the
process, each in a variable that they refill when it is empty.
Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import sys
from typing import Any

from ...tasks.ports.tools import UnloadResult
from ..host_modules import host_module, loaded_module
from ..startup.freed_memory import release_freed_memory

log = logging.getLogger("fooocus_api.memory")

PIPELINE = "modules.default_pipeline"
MANAGEMENT = "ldm_patched.modules.model_management"
CHECKPOINTS = ("model_base", "model_refiner")
"""Variables of the pipeline that hold a task's checkpoints."""

MODEL_VARIABLES = {
    PIPELINE: (
        "final_expansion",
        "final_unet",
        "final_clip",
        "final_vae",
        "final_refiner_unet",
        "final_refiner_vae",
        "loaded_ControlNets",
    ),
    "modules.core": ("VAE_approx_models",),
    "modules.inpaint_worker": ("inpaint_head_model",),
    "modules.sample_hijack": ("current_refiner",),
    "modules.upscaler": ("model",),
    "extras.face_crop": ("faceRestoreHelper",),
    "extras.ip_adapter": ("clip_vision", "ip_negative", "ip_adapters"),
    "extras.vae_interpose": ("vae_approx_model",),
    "extras.wd14tagger": ("global_model",),
}
"""Host module → its variables that hold models; the host refills an empty one when it needs the model."""

KEPT_BY_OBJECT = {
    "extras.GroundingDINO.util.inference": ("default_groundingdino", ("model",)),
    "extras.censor": ("default_censor", ("safety_checker_model", "clip_image_processor")),
    "extras.interrogate": ("default_interrogator", ("blip_model",)),
}
"""Host module → a bound method, and the attributes of its object that hold models in the same way."""


class ModelMemory:
    """Unloads the host's models, reloads them, and prevents memory growth when models change."""

    def __init__(self) -> None:
        self._has_started = False
        self._empty = False
        self._checkpoints: tuple[Any, ...] | None = None

    def has_started(self) -> bool:
        """Return whether the host has loaded its models once: until then it takes no task, later it loads models on demand."""
        self._has_started = self._has_started or model_loaded()
        return self._has_started

    def unload(self) -> UnloadResult:
        """Unload all models from the GPU and from RAM."""
        management = host_module(MANAGEMENT)
        device = management.get_torch_device()
        before = _used(management, device)
        self.has_started()  # record it now: after unloading it can't be detected any more
        self._empty = True
        management.unload_all_models()
        for other in {id(loaded.device): loaded.device for loaded in _loaded_elsewhere(management)}.values():
            management.free_memory(1e30, other)  # text encoders may live on another device
        _drop_references()
        gc.collect()  # models and their patchers reference each other
        management.soft_empty_cache()
        release_freed_memory()  # glibc keeps most of a model's memory, which then can't hold the next model
        after = _used(management, device)
        freed = None if before is None or after is None else max(0, before - after)
        return UnloadResult(freed, "RAM" if device.type == "cpu" else "GPU")

    def prepare_for(self, task: Any) -> None:
        """Reload the models that a task about to start needs, and drop models that others have replaced."""
        self._drop_replaced()
        self._reload(task)

    def _drop_replaced(self) -> None:
        """Drop the models that the last task's checkpoints have replaced.

        The host keeps a list of loaded models, and removes models when their device runs short of memory. For RAM it does so too
        late: where text encoders or all models live there, usage grows with each change of checkpoint.
        """
        pipeline = loaded_module(PIPELINE)
        before = self._checkpoints
        self._checkpoints = tuple(getattr(getattr(pipeline, name, None), "filename", None) for name in CHECKPOINTS)
        if before in (None, self._checkpoints):
            return
        gc.collect()  # see `unload`
        management = host_module(MANAGEMENT)
        for loaded in list(management.current_loaded_models):
            # Only the list and this call refer to it: no other code can reach it.
            if loaded.device.type == "cpu" and sys.getrefcount(loaded.model) <= 2:
                management.current_loaded_models.remove(loaded)
                loaded.model_unload()
        gc.collect()
        release_freed_memory()  # glibc keeps most of a model's memory, which then can't hold the next model

    def _reload(self, task: Any) -> None:
        """Load the models of a task about to start, if they were unloaded.

        The host loads them itself when it processes the prompt, but some tasks never do or use models before.
        A failure is left to the task, which reports it to its client.
        """
        if not self._empty:
            return
        self._empty = False
        if not hasattr(task, "base_model_name"):
            return
        task.yields.append(["preview", (1, "Loading models ...", None)])
        try:
            host_module(PIPELINE).refresh_everything(
                refiner_model_name=task.refiner_model_name,
                base_model_name=task.base_model_name,
                loras=[],
                vae_name=task.vae_name,
            )
        except BaseException:  # no exception may reach the worker's loop
            log.exception("models not reloaded before the task")


def model_loaded() -> bool:
    """Return whether a checkpoint is in memory."""
    return getattr(loaded_module(PIPELINE), "final_unet", None) not in (None, {})  # after unloading it may be either


def _loaded_elsewhere(management: Any) -> list[Any]:
    return [loaded for loaded in management.current_loaded_models if hasattr(loaded, "device")]


def _drop_references() -> None:
    """Empty the variables. A module that was never imported holds no models."""
    for name, variables in MODEL_VARIABLES.items():
        _empty(loaded_module(name), variables)
    for name, (method, attributes) in KEPT_BY_OBJECT.items():
        _empty(getattr(getattr(loaded_module(name), method, None), "__self__", None), attributes)
    pipeline, core = loaded_module(PIPELINE), loaded_module("modules.core")
    if pipeline is not None and core is not None:
        for variable in ("model_base", "model_refiner"):
            setattr(pipeline, variable, core.StableDiffusionModel())


def _empty(owner: Any, variables: tuple[str, ...]) -> None:
    for variable in variables:
        if hasattr(owner, variable):
            setattr(owner, variable, {} if isinstance(getattr(owner, variable), dict) else None)


def _used(management: Any, device: Any) -> int | None:
    """Return the bytes in use: of the GPU, or without one of this process; None if they can't be determined."""
    if device.type != "cpu":
        return int(management.get_total_memory(device)) - int(management.get_free_memory(device))
    with contextlib.suppress(ImportError):
        return int(importlib.import_module("psutil").Process().memory_info().rss)
    return None
