"""The host's describe and mask functions as the domain's Tools, called on the worker thread between tasks.

Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import numpy

from ...tasks.ports.tools import DescribeKind, MaskOptions, Picture, UnloadResult
from ..host_modules import host_module
from ..worker.worker import Worker
from .memory import ModelMemory

INTERROGATORS: dict[DescribeKind, str] = {"photo": "extras.interrogate", "anime": "extras.wd14tagger"}


class FooocusTools:
    """Implements `tasks.ports.tools.Tools` on a running host."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        """The worker on whose thread they run."""
        self._memory = ModelMemory()

    def has_started(self) -> bool:
        """Return whether the host has loaded its models once."""
        return self._memory.has_started()

    def prepare_for(self, task: Any) -> None:
        """Load the models that a task about to start needs. Worker thread only."""
        self._memory.prepare_for(task)

    def describe(self, image: Picture, kind: DescribeKind) -> Future[str]:
        return self.worker.run_between_tasks(lambda: _describe(image, kind))

    def mask(self, image: Picture, options: MaskOptions) -> Future[Picture]:
        return self.worker.run_between_tasks(lambda: _mask(image, options))

    def unload(self) -> Future[UnloadResult]:
        return self.worker.run_between_tasks(self._unload)

    def _unload(self) -> UnloadResult:
        freed = self._memory.unload()
        self.worker.on_unloaded()
        return freed


def _describe(image: Picture, kind: DescribeKind) -> str:
    # Imported on first use, as in the WebUI: the import alone loads half of a machine learning library.
    return str(host_module(INTERROGATORS[kind]).default_interrogator(image))


def _mask(image: Picture, options: MaskOptions) -> Picture:
    host = host_module("extras.inpaint_mask")
    extras: dict[str, str] = {}
    sam_options = None
    if options.mask_model == "u2net_cloth_seg":
        extras["cloth_category"] = options.cloth_category
    elif options.mask_model == "sam":
        sam_options = host.SAMOptions(
            dino_prompt=options.dino_prompt_text,
            dino_box_threshold=options.box_threshold,
            dino_text_threshold=options.text_threshold,
            dino_erode_or_dilate=options.dino_erode_or_dilate,
            dino_debug=options.dino_debug,
            max_detections=options.sam_max_detections,
            model_type=options.sam_model,
        )
    mask, *_ = host.generate_mask_from_image(image, options.mask_model, extras, sam_options)
    return numpy.ascontiguousarray(mask, dtype=numpy.uint8)
