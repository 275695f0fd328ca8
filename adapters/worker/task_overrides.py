"""Per-task overrides of host functions while the task runs: the names of its images, and its upscale factor.

Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ..patching.hooks import Patches
from .queue_items import ID_ATTRIBUTE
from .worker import Worker

log = logging.getLogger("fooocus_api.worker")

SAVE_NAME_ATTRIBUTE = "fooocus_api_save_name"
UPSCALE_ATTRIBUTE = "fooocus_api_upscale_multiple"

MAX_RENAMES = 100
"""Names that are tried for an image: the host's are random."""
MAX_DIGITS = 12
"""Number of digits after a name from which on they are not the index that this module adds."""


@dataclass(frozen=True)
class ImageRecords:
    """The parts of the naming of images that exist only once the WebUI is built.

    `claim` receives a task's id and the path of an image that is about to be written for it. `recorded` returns the recorded
    paths with a prefix below the outputs, whether or not their files exist, or None if they can't be read now. `folders`
    returns the folders of images.
    """

    claim: Callable[[str, str], None] = lambda task_id, path: None
    recorded: Callable[[str], list[str] | None] = lambda prefix: []
    folders: Callable[[], list[Path]] = list


class TaskOverrides:
    """Applies the running task's overrides at every call of a wrapped function."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._records = ImageRecords()

    def attach(self, records: ImageRecords) -> None:
        """Name images in this way from now on. Called once, when the WebUI is built."""
        self._records = records

    def patch_names(self, private_logger: ModuleType, patches: Patches) -> None:
        """Name images after `save_name`, and report each path before its file exists. Wraps `modules.private_logger`'s naming."""
        patches.wrap(private_logger, "generate_temp_filename", self._name_image)

    def patch_upscale(self, util: ModuleType, patches: Patches) -> None:
        """Apply the factor of `Upscale (Custom)`. The worker takes both functions from `modules.util` when its thread starts."""
        patches.wrap(util, "get_shape_ceil", self._scale_shape)
        patches.wrap(util, "resample_image", self._scale_size)

    def _name_image(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        date, path, name = wrapped(*args, **kwargs)
        task = self._worker.current
        if task is None or threading.current_thread() is not self._worker.thread:
            return date, path, name
        for _ in range(MAX_RENAMES):
            if path not in self._worker.saves.unfinished() and not os.path.lexists(path):
                break
            date, path, name = wrapped(*args, **kwargs)  # the host picks four digits, and may overwrite an image
        if wanted := getattr(task, SAVE_NAME_ATTRIBUTE, ""):
            path, name = self._free_name(path, wanted)
        self._worker.call_safely(self._records.claim, getattr(task, ID_ATTRIBUTE), path)
        return date, path, name

    def _free_name(self, path: str, wanted: str) -> tuple[str, str]:
        """Return path and name of the next image with that name, unused today by any file and any record.

        A record whose file was deleted by hand still has its URL, which the next image must not take over.
        """
        folder, extension = os.path.dirname(path), os.path.splitext(path)[1]
        day, prefix = os.path.basename(folder), f"{wanted}-"
        try:
            recorded = self._records.recorded(f"{day}/{prefix}")
        except Exception:
            log.exception("recorded image names not read; the image gets a unique name")
            recorded = None
        if recorded is None:
            prefix = f"{wanted}-{time.time_ns()}-"
        names = [one.rpartition("/")[2] for one in recorded or ()]
        names += [os.path.basename(path) for path in self._worker.saves.unfinished()]
        for where in {folder, *(str(outputs / day) for outputs in self._records.folders())}:
            with contextlib.suppress(FileNotFoundError):
                names += [entry.name for entry in os.scandir(where) if entry.name.startswith(prefix)]
        name = f"{prefix}{next_index(names, prefix)}{extension}"
        return os.path.join(folder, name), name

    def _scale_shape(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if (multiple := self._multiple()) != 1.0 and len(args) == 2:
            args = (args[0] * multiple, args[1] * multiple)
        return wrapped(*args, **kwargs)

    def _scale_size(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if (multiple := self._multiple()) != 1.0 and {"width", "height"} <= kwargs.keys():
            kwargs = {**kwargs, "width": kwargs["width"] * multiple, "height": kwargs["height"] * multiple}
        return wrapped(*args, **kwargs)

    def _multiple(self) -> float:
        """Return the factor if the caller is the worker's own upscale with the custom method, else 1.

        The host's helpers call the same two functions for other sizes, and an enhancement may use its own method.
        """
        multiple = getattr(self._worker.current, UPSCALE_ATTRIBUTE, 1.0)
        if multiple == 1.0 or threading.current_thread() is not self._worker.thread:
            return 1.0
        caller = sys._getframe(2)
        custom = caller.f_code.co_name == "apply_upscale" and "custom" in str(caller.f_locals.get("uov_method", ""))
        return float(multiple) if custom else 1.0


def next_index(names: list[str], prefix: str) -> int:
    """Return the highest index after `prefix` in the names plus one, 0 if there is none."""
    numbers = (name.removeprefix(prefix).partition(".")[0] for name in names)
    return max((int(number) + 1 for number in numbers if number.isdecimal() and len(number) < MAX_DIGITS), default=0)
