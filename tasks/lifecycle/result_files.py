"""Saves a task's inputs and results as files, if the host has them as arrays or in its temp folder, and deletes its orphans."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from ...images.references import ImageReference
from ...images.storage.input_store import InputStore
from ...images.storage.publisher import Publisher
from ..history.leftovers import Leftovers
from ..history.retention import Retention
from ..model import events
from ..model.active_tasks import ActiveTask
from ..model.gaps import Gaps, complain, run_safely
from ..model.image_record import image_record
from ..model.task import Image, Task, TaskError
from ..model.workload.workload import Workload
from ..ports.engine import Engine

T = TypeVar("T")


class ResultFiles:
    """The images of active tasks. Slow work runs on a thread of its own; a failure is named in the task's gaps."""

    def __init__(
        self,
        engine: Engine,
        inputs: InputStore,
        leftovers: Leftovers,
        retention: Retention,
        publisher: Publisher | None = None,
    ) -> None:
        """Store the parts. With a publisher, tasks end once it has put their images into the depot."""
        self._engine = engine
        self._publisher = publisher
        self._inputs = inputs
        self._leftovers = leftovers
        self._retention = retention
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fooocus-api-images")
        self._is_closed = False

    def run(self, action: Callable[[], T]) -> Future[T]:
        """Run an action on the thread that saves images, after those before it.

        Once the interpreter exits, the executor takes nothing more, while the worker continues until `close`: the action runs
        on the caller's thread then.

        Raises:
            RuntimeError: `close` was called.
        """
        try:
            return self._executor.submit(action)
        except RuntimeError:
            if self._is_closed:
                raise
        done: Future[T] = Future()
        try:
            done.set_result(action())
        except Exception as error:
            done.set_exception(error)
        return done

    def close(self, within_s: float | None = None) -> None:
        """Finish saving images. Wait at most `within_s` seconds, without a limit if None."""
        self._is_closed = True
        if within_s is not None:
            with contextlib.suppress(RuntimeError):  # at the interpreter's exit the executor has finished already
                wait([self.run(lambda: None)], within_s)
        self._executor.shutdown(wait=within_s is None)

    # -------------------------------------------------- of the life cycle, on the bus thread

    def workload(self, task: Task, gaps: Gaps) -> Workload:
        """Return a WebUI task's workload."""
        return gaps.attempt("the request's fields", lambda: self._engine.workload(task.parameters), Workload())

    def save_inputs(self, event: events.Queued, live: ActiveTask, then: Callable[[ActiveTask], None]) -> None:
        """Save a WebUI task's input images, set its parameters to references to them, and call `then`. Return at once."""

        def save() -> None:
            changed = self.with_inputs(event, live)
            parameters = {**live.task.parameters, **changed}  # its tags may be others by now
            live.task.parameters, live.workload = parameters, self._engine.workload(parameters)
            then(live)

        self.run(save)

    def needs_saving(self, event: events.Ended, live: ActiveTask) -> bool:
        """Return whether a result is not a file in the host's folders or in the depot yet, and `save` was not called."""
        if self._publisher is not None:
            return not live.is_kept
        are_kept = live.gaps.attempt("the results", lambda: self.are_kept(event, live.task), False)
        return not are_kept and not live.is_kept

    def save(self, event: events.Ended, live: ActiveTask, then: Callable[[events.Event], None]) -> None:
        """Save all results as files, put them into the depot, if there is one, and pass the event with their paths to `then`.
        Return at once."""

        def save() -> None:
            otherwise = replace(event, results=[result for result in event.results if isinstance(result, str)])
            live.ending = live.gaps.attempt("the results", lambda: self.with_results(event, live), otherwise)
            live.is_kept = True
            if self._publisher is None:
                then(live.ending)
                return
            paths = [path for path in (*live.saved, *live.ending.results) if isinstance(path, str)]
            self._publisher.publish(live.task.task_id, paths, partial(then, live.ending))

        self.run(save)

    def publish(self, live: ActiveTask, path: str) -> None:
        """Begin to put an image that a running task has saved into the depot, if there is one. Return at once."""
        if self._publisher is not None and live.ending is None:
            self._publisher.begin(live.task.task_id, path)

    def sweep(self, live: ActiveTask, event: events.Ended) -> None:
        """Delete the images of an ended task that are not in its record. Return at once."""
        done = {*live.saved, *(result for result in event.results if isinstance(result, str))}
        self._sweep(live.task.task_id, done)

    def discard(self, task_id: str) -> None:
        """Delete all images of a task that another process has by now. Return at once."""
        self._sweep(task_id, set())

    def _sweep(self, task_id: str, done: set[str]) -> None:
        def sweep() -> None:
            self._leftovers.sweep(task_id, done)
            self._leftovers.settle({task_id})

        with contextlib.suppress(RuntimeError):  # after `close` the next start deletes them
            self.run(partial(run_safely, task_id, sweep))

    def expire(self, task: Task) -> None:
        """Schedule the deletion of the images of an ended task that the host does not keep. Return at once."""
        expiring = [image.path for image in task.images if not image.kept]
        self.run(partial(run_safely, task.task_id, lambda: self._retention.expire_later(expiring)))

    # ------------------------------------------------------------------------------- saving

    def with_inputs(self, event: events.Queued, live: ActiveTask) -> dict[str, Any]:
        """Save a WebUI task's input images, and return the parameters that refer to them."""
        changed: dict[str, Any] = {}
        for (field, index, key), array in event.images.items():
            name = field if index is None else f"{field}[{index}].{key}"
            reference = live.gaps.attempt(f"{name}: image not kept", partial(self._input, array), None)
            if reference is None:
                continue
            if index is None:
                changed[field] = reference
            else:
                items = list(changed.get(field, live.task.parameters[field]))
                items[index] = {**items[index], key: reference}
                changed[field] = items
        return changed

    def _input(self, array: Any) -> str:
        return str(ImageReference.input(self._inputs.add(self._engine.files.encode(array))))

    def image(self, live: ActiveTask, path: str) -> Image | None:
        """Return the cached record of an image, None outside the host's folders."""
        if path not in live.images:
            relative = self._engine.files.relative_path(path)
            if relative is None:
                return None
            metadata = live.saved.get(path, {})
            live.images[path] = image_record(path, relative, metadata, live.gaps, kept=self._is_stored(path))
        return live.images[path]

    def _is_stored(self, path: str) -> bool:
        try:
            return self._engine.files.is_kept(path)
        except Exception:  # assume that it is kept: the host does so without --disable-image-log
            complain("the folder of an image")
            return True

    def are_kept(self, event: events.Ended, task: Task) -> bool:
        """Return whether all results are files in the host's folders."""
        return all(self._is_kept(result, task) for result in event.results)

    def _is_kept(self, result: Any, task: Task) -> bool:
        """Return whether a result is a file in the host's folders. The WebUI's temporary files count, as they are not moved."""
        return isinstance(result, str) and (
            task.source == "webui" or self._engine.files.relative_path(result) is not None
        )

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
            return self._engine.files.save_array(task.task_id, result, live.workload.output_format)
        if self._is_kept(result, task):
            return result
        path = self._engine.files.keep(task.task_id, result)
        live.saved[path] = live.saved.get(result, {})
        return path
