"""What a task may change in the host's functions while it runs: the names of its images, and the factor of its upscale.

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
from pathlib import Path
from types import ModuleType
from typing import Any

from .hooks import Hooks
from .task_queue import ID_ATTRIBUTE
from .worker import Worker

log = logging.getLogger("fooocus_api.worker")

SAVE_NAME_ATTRIBUTE = "fooocus_api_save_name"
UPSCALE_ATTRIBUTE = "fooocus_api_upscale_multiple"

MOST_DIGITS = 12
"""Digits behind a name from which on they are not the number that this module adds."""


class Overrides:
    """Asks, at every call of a wrapped function, what the task in hand wants."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.claim: Callable[[str, str], None] = lambda task_id, path: None
        """Called with a task's id and the path of an image that is about to be written for it."""
        self.recorded: Callable[[str], list[str]] = lambda beginning: []
        """Called with how paths below the outputs begin: gives those that a record lists, their files there or not."""
        self.folders: Callable[[], list[Path]] = list
        """Called for the folders that images may lie in."""

    def patch_names(self, private_logger: ModuleType, hooks: Hooks) -> None:
        """Name images after `save_name`, and tell of each before it is there, where `modules.private_logger` asks for a name."""
        hooks.wrap(private_logger, "generate_temp_filename", self._named)

    def patch_upscale(self, util: ModuleType, hooks: Hooks) -> None:
        """Let `Upscale (Custom)` have its factor: the worker takes these two from `modules.util` when its thread starts."""
        hooks.wrap(util, "get_shape_ceil", self._shape_ceil)
        hooks.wrap(util, "resample_image", self._resampled)

    def _named(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        date, path, name = wrapped(*args, **kwargs)
        task = self._worker.current
        if task is None or threading.current_thread() is not self._worker.thread:
            return date, path, name
        if wanted := getattr(task, SAVE_NAME_ATTRIBUTE, ""):
            path, name = self._free_name(path, wanted)
        self._worker.guarded(self.claim, getattr(task, ID_ATTRIBUTE), path)
        return date, path, name

    def _free_name(self, path: str, wanted: str) -> tuple[str, str]:
        """Return path and name of the next image of that name: one that neither a folder nor a record has or had today.

        A record whose file was removed by hand still gives its URL to its owner: the next image must not be there.
        """
        folder, extension = os.path.dirname(path), os.path.splitext(path)[1]
        day, beginning = os.path.basename(folder), f"{wanted}-"
        try:
            names = [recorded.rpartition("/")[2] for recorded in self.recorded(f"{day}/{beginning}")]
        except Exception:
            log.exception("the history could not be asked for names; the image gets one that is free for sure")
            beginning = f"{wanted}-{time.time_ns()}-"
            names = []
        for place in {folder, *(str(outputs / day) for outputs in self.folders())}:
            with contextlib.suppress(FileNotFoundError):
                names += [entry.name for entry in os.scandir(place) if entry.name.startswith(beginning)]
        name = f"{beginning}{next_index(names, beginning)}{extension}"
        return os.path.join(folder, name), name

    def _shape_ceil(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if (multiple := self._multiple()) != 1.0 and len(args) == 2:
            args = (args[0] * multiple, args[1] * multiple)
        return wrapped(*args, **kwargs)

    def _resampled(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if (multiple := self._multiple()) != 1.0 and {"width", "height"} <= kwargs.keys():
            kwargs = {**kwargs, "width": kwargs["width"] * multiple, "height": kwargs["height"] * multiple}
        return wrapped(*args, **kwargs)

    def _multiple(self) -> float:
        """The factor, when it is the worker's own upscale that calls and its method is the custom one; else 1.

        The host's helpers call the same two functions for other sizes, and an enhancement may upscale in its own way.
        """
        multiple = getattr(self._worker.current, UPSCALE_ATTRIBUTE, 1.0)
        if multiple == 1.0 or threading.current_thread() is not self._worker.thread:
            return 1.0
        caller = sys._getframe(2)
        custom = caller.f_code.co_name == "apply_upscale" and "custom" in str(caller.f_locals.get("uov_method", ""))
        return float(multiple) if custom else 1.0


def next_index(names: list[str], beginning: str) -> int:
    """Return the number after the highest that a name has behind its beginning, 0 for the first."""
    numbers = (name.removeprefix(beginning).partition(".")[0] for name in names)
    return max((int(number) + 1 for number in numbers if number.isdecimal() and len(number) < MOST_DIGITS), default=0)
