"""Fooocus's worker as the domain's Engine: builds AsyncTasks, queues, withdraws and interrupts them."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
from PIL import Image as PILImage

from ..tasks.engine import EngineUnavailable, Interruption, ParameterError
from ..tasks.pictures import NotAnImage, read_rgb
from .overrides import SAVE_NAME_ATTRIBUTE, UPSCALE_ATTRIBUTE
from .parameters import ArgumentOrder
from .worker import ID_ATTRIBUTE, Worker


class FooocusEngine:
    """Implements `tasks.engine.Engine` on a running host."""

    def __init__(self, worker: Worker, arguments: ArgumentOrder, find_image: Callable[[str], Path]) -> None:
        """`find_image` gives the file of an image that parameters refer to; it may raise `FileNotFoundError`."""
        self._worker = worker
        self._arguments = arguments
        self._find_image = find_image

    def prepare(self, task_id: str, parameters: dict[str, Any]) -> Any:
        if not self._worker.alive():
            raise EngineUnavailable("Fooocus's worker thread is not running; see its console and start it again")
        try:
            task = _host("modules.async_worker").AsyncTask(
                args=self._arguments.positional(parameters, self._read_image)
            )
        except (KeyError, ValueError, TypeError) as error:
            raise ParameterError(str(error)) from error
        setattr(task, ID_ATTRIBUTE, task_id)
        setattr(task, SAVE_NAME_ATTRIBUTE, parameters.get("save_name") or "")
        setattr(task, UPSCALE_ATTRIBUTE, parameters.get("upscale_multiple") or 1.0)
        return task

    def enqueue(self, prepared: Any) -> None:
        _host("modules.async_worker").async_tasks.append(prepared)

    def withdraw(self, task_id: str) -> bool:
        queue = self._worker.queue
        for task in list(queue or ()):
            if getattr(task, ID_ATTRIBUTE, None) == task_id:
                try:
                    (queue or []).remove(task)
                except ValueError:  # the worker was quicker
                    return False
                task.last_stop = "stop"
                task.yields.append(["finish", task.results])  # without it a browser waits for ever
                return True
        return False

    def interrupt(self, task_id: str, how: Interruption) -> bool:
        task = self._worker.current
        if task is None or getattr(task, ID_ATTRIBUTE, None) != task_id:
            return False
        task.last_stop = how  # the worker raises its own flag at the next step it tells of
        return True

    def _read_image(self, reference: str) -> Any:
        try:
            return read_rgb(self._find_image(reference))
        except (OSError, NotAnImage) as error:
            raise ParameterError(f"{reference} can't be read: {error}") from error

    def save_array(self, array: Any, image_format: str) -> str:
        folder = output_folders()[0]
        extension = {"jpg": "jpeg"}.get(image_format, image_format)
        _, path, _ = _host("modules.util").generate_temp_filename(folder=str(folder), extension=extension)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        PILImage.fromarray(numpy.asarray(array, dtype=numpy.uint8)).save(path)
        return str(path)

    def relative_path(self, path: str) -> str | None:
        for folder in output_folders():
            try:
                return Path(path).resolve().relative_to(folder.resolve()).as_posix()
            except ValueError:
                continue
        return None


def output_folders() -> list[Path]:
    """Where the host writes images now, first the one it prefers; with `--disable-image-log` that is its temp folder."""
    config = _host("modules.config")
    folders = [Path(config.path_outputs)]
    if getattr(_host("args_manager").args, "disable_image_log", False):
        folders.insert(0, Path(config.temp_path))
    return folders


def _host(name: str) -> ModuleType:
    """A module of the host, which has imported it long before."""
    return importlib.import_module(name)
