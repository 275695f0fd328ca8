"""Saves a task's inputs and results as files that the host has as arrays or in its temp folder. Not on the bus thread."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from ...images.input_store import InputStore
from ..model import events
from ..model.active_tasks import ActiveTask
from ..model.gaps import complain
from ..model.image_record import image_record
from ..model.task import Image, Task, TaskError
from ..ports.engine import Engine


class ResultFiles:
    """Saves images in the inputs and outputs folders. A failure is named in the task's gaps."""

    def __init__(self, engine: Engine, inputs: InputStore) -> None:
        self._engine = engine
        self._inputs = inputs

    def with_inputs(self, event: events.Queued, live: ActiveTask) -> dict[str, Any]:
        """Save a WebUI task's input images, and return its parameters with references to them."""
        parameters = {**live.task.parameters}
        for (field, index, key), array in event.images.items():
            name = field if index is None else f"{field}[{index}].{key}"
            reference = live.gaps.attempt(f"{name}: image not kept", partial(self._input, array), None)
            if reference is None:
                continue
            if index is None:
                parameters[field] = reference
            else:
                items = list(parameters[field])
                items[index] = {**items[index], key: reference}
                parameters[field] = items
        return parameters

    def _input(self, array: Any) -> str:
        return f"inputs/{self._inputs.add(self._engine.encode(array))}"

    def image(self, live: ActiveTask, path: str) -> Image | None:
        """Return the cached record of an image, None outside the host's folders."""
        if path not in live.images:
            relative = self._engine.relative_path(path)
            if relative is None:
                return None
            metadata = live.saved.get(path, {})
            live.images[path] = image_record(path, relative, metadata, live.gaps, kept=self._is_for_good(path))
        return live.images[path]

    def _is_for_good(self, path: str) -> bool:
        try:
            return self._engine.is_kept(path)
        except Exception:  # assume that it is kept: the host does so without --disable-image-log
            complain("an image's folder not known")
            return True

    def are_kept(self, event: events.Ended, task: Task) -> bool:
        """Return whether all results are files in the host's folders."""
        return all(self._is_kept(result, task) for result in event.results)

    def _is_kept(self, result: Any, task: Task) -> bool:
        """Return whether a result is a file in the host's folders. The WebUI's temporary files count, as they are not moved."""
        return isinstance(result, str) and (task.source == "webui" or self._engine.relative_path(result) is not None)

    def with_results(self, event: events.Ended, live: ActiveTask) -> events.Ended:
        """Save arrays (image grids, debug images) and temporary files as outputs, and return the event with their paths."""
        results: list[str] = []
        for number, result in enumerate(event.results, start=1):
            kept = live.gaps.attempt(f"result {number}, not saved", partial(self._kept, result, live), None)
            if kept is not None:
                results.append(kept)
        if isinstance(event, events.Finished) and not results:
            error = TaskError("NotSaved", "the images could not be saved among the outputs; see Fooocus's console")
            event = events.Failed(event.task_id, [], error, at=event.at, missing=event.missing)
        return replace(event, results=results)

    def _kept(self, result: Any, live: ActiveTask) -> str:
        task = live.task
        if not isinstance(result, str):
            image_format = str(task.parameters.get("output_format", "png"))
            return self._engine.save_array(task.task_id, result, image_format)
        if self._is_kept(result, task):
            return result
        path = self._engine.keep(task.task_id, result)
        live.saved[path] = live.saved.get(result, {})
        return path
