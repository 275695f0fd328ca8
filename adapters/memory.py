"""The models a host keeps in memory: let go of them, and have them back before the next task. On the worker thread only.

Moving models off the GPU is the host's own business, and it does so. But its pipeline and its helpers keep what they
have loaded for as long as the process lives, each in a variable that it fills again when it finds it empty.
Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import logging
import sys
from typing import Any

from ..tasks.tools import Unloaded

log = logging.getLogger("fooocus_api.memory")

PIPELINE = "modules.default_pipeline"
MANAGEMENT = "ldm_patched.modules.model_management"
CHECKPOINTS = ("model_base", "model_refiner")
"""The pipeline's variables that hold a task's checkpoints."""

KEPT = {
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
"""Host module → its variables that hold models, filled again when they are needed and empty."""

KEPT_BY_OBJECT = {
    "extras.GroundingDINO.util.inference": ("default_groundingdino", ("model",)),
    "extras.censor": ("default_censor", ("safety_checker_model", "clip_image_processor")),
    "extras.interrogate": ("default_interrogator", ("blip_model",)),
}
"""Host module → a bound method, and the attributes of its object that hold models likewise."""


class Start:
    """Remembers whether the host has loaded its models once: before that it takes no task, later it loads them at need."""

    def __init__(self) -> None:
        self._seen = False

    def is_over(self) -> bool:
        self._seen = self._seen or model_loaded()
        return self._seen


class ModelMemory:
    """Empties the host's memory of models and has it filled again; and keeps it from growing with each change of models."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._empty = False
        self._checkpoints: tuple[Any, ...] | None = None

    def unload(self) -> Unloaded:
        """Free what models take, of the GPU and of the machine."""
        management = importlib.import_module(MANAGEMENT)
        device = management.get_torch_device()
        before = _used(management, device)
        self._start.is_over()  # nobody may have asked until now, and soon it can't be seen any more
        self._empty = True
        management.unload_all_models()
        for other in {id(loaded.device): loaded.device for loaded in _loaded_elsewhere(management)}.values():
            management.free_memory(1e30, other)  # text encoders may live on another device
        _forget()
        gc.collect()  # models and their patchers hold each other
        management.soft_empty_cache()
        _give_back()
        after = _used(management, device)
        freed = None if before is None or after is None else max(0, before - after)
        return Unloaded(freed, "RAM" if device.type == "cpu" else "GPU")

    def before(self, task: Any) -> None:
        """Have in memory what a task about to start needs, and no models that others have taken the place of."""
        self._drop_replaced()
        self._reload(task)

    def _drop_replaced(self) -> None:
        """Let go of what the last task's checkpoints have replaced.

        The host lists what it has loaded, and takes models off its list when their device is short of memory. The machine's
        own is not until it is too late: where text encoders or all live there, it grows with each change of checkpoint.
        """
        pipeline = sys.modules.get(PIPELINE)
        before = self._checkpoints
        self._checkpoints = tuple(getattr(getattr(pipeline, name, None), "filename", None) for name in CHECKPOINTS)
        if before in (None, self._checkpoints):
            return
        gc.collect()  # see `unload`
        management = importlib.import_module(MANAGEMENT)
        for loaded in list(management.current_loaded_models):
            # Only the list and this very call refer to it: nobody can find it any more.
            if loaded.device.type == "cpu" and sys.getrefcount(loaded.model) <= 2:
                management.current_loaded_models.remove(loaded)
                loaded.model_unload()
        gc.collect()
        _give_back()

    def _reload(self, task: Any) -> None:
        """Load the models of a task about to start, if there are none.

        The host loads them itself when it comes to the prompt, but some tasks never come to it or use models before.
        What can't be loaded is left to the task, whose failure is told to whoever asked for it.
        """
        if not self._empty:
            return
        self._empty = False
        if not hasattr(task, "base_model_name"):
            return
        task.yields.append(["preview", (1, "Loading models ...", None)])
        try:
            importlib.import_module(PIPELINE).refresh_everything(
                refiner_model_name=task.refiner_model_name,
                base_model_name=task.base_model_name,
                loras=[],
                vae_name=task.vae_name,
            )
        except BaseException:  # nothing may reach the worker's loop from here
            log.exception("the models could not be loaded again before the task")


def model_loaded() -> bool:
    """Whether a checkpoint is in memory."""
    return getattr(sys.modules.get(PIPELINE), "final_unet", None) not in (None, {})  # emptied, it may be either


def gpu_memory_used() -> float:
    """Bytes of the GPU's memory in use by anyone, 0 where there is no GPU. Loads nothing."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_available():
        return 0.0
    free, total = torch.cuda.mem_get_info()
    return float(total - free)


def _give_back() -> None:
    """Return what was freed to the system: glibc keeps most of a model's memory for later, and then does not fit the next in."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def _loaded_elsewhere(management: Any) -> list[Any]:
    return [loaded for loaded in management.current_loaded_models if hasattr(loaded, "device")]


def _forget() -> None:
    """Empty the variables. A module that was never imported holds nothing."""
    for name, variables in KEPT.items():
        _empty(sys.modules.get(name), variables)
    for name, (method, attributes) in KEPT_BY_OBJECT.items():
        _empty(getattr(getattr(sys.modules.get(name), method, None), "__self__", None), attributes)
    pipeline, core = sys.modules.get(PIPELINE), sys.modules.get("modules.core")
    if pipeline is not None and core is not None:
        for variable in ("model_base", "model_refiner"):
            setattr(pipeline, variable, core.StableDiffusionModel())


def _empty(owner: Any, variables: tuple[str, ...]) -> None:
    for variable in variables:
        if hasattr(owner, variable):
            setattr(owner, variable, {} if isinstance(getattr(owner, variable), dict) else None)


def _used(management: Any, device: Any) -> int | None:
    """Bytes in use: of the GPU, or by this process where there is none; None where nobody can tell."""
    if device.type != "cpu":
        return int(management.get_total_memory(device)) - int(management.get_free_memory(device))
    with contextlib.suppress(ImportError):
        return int(importlib.import_module("psutil").Process().memory_info().rss)
    return None
