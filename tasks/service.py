"""The one door to tasks, for API and WebUI alike: submit, look up, listen, stop, skip."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ..db.repository import Repository
from . import events, storage
from .bus import EventBus, Subscription
from .downloads import Download
from .engine import Engine, Interruption
from .preview import PreviewImage
from .results import describe
from .task import Task, TaskError, TaskStatus, new_task_id, now_ms

log = logging.getLogger("fooocus_api.tasks")


class UnknownTask(Exception):
    """There is no task of that id."""


@dataclass
class LiveTask:
    """A task that has not ended yet, with what only the living have."""

    task: Task
    preview: PreviewImage | None = None
    saved: dict[str, dict[str, Any]] = field(default_factory=dict)


class TaskService:
    """Keeps the living tasks in memory and all of them in the database.

    Events change a task on the bus's thread only; everyone else reads.
    """

    def __init__(self, engine: Engine, repository: Repository, bus: EventBus) -> None:
        self._engine = engine
        self._repository = repository
        self._bus = bus
        self._live: dict[str, LiveTask] = {}
        self._lock = threading.Lock()
        self._images = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fooocus-api-images")
        self._downloads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fooocus-api-downloads")

    def start(self) -> None:
        """Close what an earlier process left unfinished, then begin to follow the worker."""
        unfinished = [status.value for status in TaskStatus if not status.is_terminal]
        error = {"type": "Interrupted", "message": "Fooocus ended before the task did"}
        self._repository.write(
            lambda: self._repository.end_unfinished(unfinished, TaskStatus.INTERRUPTED.value, error, now_ms())
        ).result()
        self._bus.start(self._apply)

    def close(self) -> None:
        """Write what is still to be written."""
        self._bus.stop()
        self._downloads.shutdown(wait=False, cancel_futures=True)
        self._images.shutdown(wait=True)
        self._repository.close()

    # ------------------------------------------------------------------ in

    async def submit(
        self, parameters: dict[str, Any], *, source: str = "api", downloads: Sequence[Download] = ()
    ) -> Task:
        """Accept a task: it is in the database before this returns, and in the host's queue in the order of its row.

        With `downloads` it waits, pending, until these files are there, and others go first.

        Raises:
            EngineUnavailable, ParameterError: nothing was accepted.
        """
        task = Task(new_task_id(), source, parameters)
        prepared = await asyncio.to_thread(self._engine.prepare, task.task_id, parameters)

        def accept() -> None:
            task.id = self._repository.insert(storage.to_row(task))
            with self._lock:
                self._live[task.task_id] = LiveTask(task)
            if downloads:
                self._downloads.submit(self._download, task.task_id, downloads, prepared)
            else:
                self._engine.enqueue(prepared)

        accepted = self._repository.write(accept)
        await asyncio.shield(asyncio.wrap_future(accepted))
        return replace(task)

    def _download(self, task_id: str, downloads: Sequence[Download], prepared: Any) -> None:
        """Fetch what a task needs, tell how far it is, and queue it; or fail it with the reason."""
        told: tuple[str, int] = ("", -1)

        def tell(name: str, share: float | None) -> None:
            nonlocal told
            percent = 0 if share is None else int(share * 100)
            if (name, percent) != told:
                told = (name, percent)
                self._bus.emit(events.Progress(task_id, 0, f"Downloading {name}: {percent} %"))

        try:
            for download in downloads:
                if not download.path.is_file():
                    download.fetch(lambda share, name=download.path.name: tell(name, share))  # type: ignore[misc]
        except Exception as error:
            self._bus.emit(events.Failed(task_id, [], TaskError(type(error).__name__, str(error))))
            return
        if self._living(task_id) is not None:  # not stopped meanwhile
            self._engine.enqueue(prepared)

    # ----------------------------------------------------------------- out

    async def get(self, task_id: str) -> Task:
        """A task as it is now.

        Raises:
            UnknownTask: there is none of that id.
        """
        live = self._living(task_id)
        if live is not None:
            return replace(live.task)
        row = await asyncio.to_thread(self._repository.get, task_id)
        if row is None:
            raise UnknownTask(task_id)
        return storage.from_row(row)

    def preview(self, task_id: str) -> PreviewImage | None:
        """The newest picture of a running task, if it has one."""
        live = self._living(task_id)
        return live.preview if live else None

    def running(self) -> Task | None:
        """The task the worker has in hand."""
        with self._lock:
            tasks = [live.task for live in self._live.values() if live.task.status is TaskStatus.RUNNING]
        return replace(tasks[0]) if tasks else None

    def counts(self) -> dict[str, int]:
        """How many tasks wait and run."""
        with self._lock:
            statuses = [live.task.status for live in self._live.values()]
        return {status.value: statuses.count(status) for status in (TaskStatus.PENDING, TaskStatus.RUNNING)}

    @contextmanager
    def subscribe(self, task_id: str) -> Iterator[Subscription]:
        """Listen to a task from the running event loop. Look at the task once this has begun: nothing is missed."""
        with self._bus.subscribe(task_id) as subscription:
            yield subscription

    async def wait(self, task_id: str) -> Task:
        """The task once it has ended. Woken by its last event."""
        with self.subscribe(task_id) as subscription:
            task = await self.get(task_id)
            if not task.status.is_terminal:
                async for _ in subscription:
                    pass
                task = await self.get(task_id)
        return task

    # ------------------------------------------------------------- control

    async def stop(self, task_id: str) -> bool:
        """End a task, pending or running, and leave all others alone. False when it had ended already."""
        return await asyncio.to_thread(
            lambda: self._engine.withdraw(task_id) or self._engine.interrupt(task_id, "stop")
        )

    def interrupt_running(self, how: Interruption) -> str | None:
        """Stop the running task or skip its current image. Its id, or None when nothing runs."""
        task = self.running()
        return task.task_id if task and self._engine.interrupt(task.task_id, how) else None

    # -------------------------------------------- on the bus's thread only

    def _apply(self, event: events.Event) -> None:
        live = self._living(event.task_id)
        if live is None:
            if not isinstance(event, events.Queued):
                return
            live = self._adopt(event)
        match event:
            case events.Started():
                live.task.transition(TaskStatus.RUNNING)
                self._write(live.task)
            case events.Progress(percent=percent, title=title):
                live.task.progress, live.task.title = percent, title
                if isinstance(event, events.Preview):
                    live.preview = event.image
            case events.ImageSaved(path=path, metadata=metadata):
                live.saved[path] = metadata
            case events.Ended():
                if not all(isinstance(result, str) for result in event.results):
                    self._images.submit(self._save_arrays, event, live.task)
                    return
                self._end(live, event)
        self._bus.publish(event)

    def _adopt(self, event: events.Queued) -> LiveTask:
        """A task that came through the WebUI."""
        live = LiveTask(Task(event.task_id, event.source, event.parameters))
        with self._lock:
            self._live[event.task_id] = live

        def insert() -> None:
            live.task.id = self._repository.insert(storage.to_row(live.task))

        self._follow(insert, event.task_id)
        return live

    def _save_arrays(self, event: events.Ended, task: Task) -> None:
        """Image grids and debug images come as arrays: write them, then let the event go on as if the host had."""
        image_format = str(task.parameters.get("output_format", "png"))
        results = []
        for result in event.results:
            try:
                results.append(result if isinstance(result, str) else self._engine.save_array(result, image_format))
            except Exception:
                log.exception("task %s: a result could not be saved", task.task_id)
        self._bus.emit(replace(event, results=results))

    def _end(self, live: LiveTask, event: events.Ended) -> None:
        task = live.task
        if task.status is TaskStatus.PENDING and not isinstance(event, events.Stopped):
            task.transition(TaskStatus.RUNNING)
        task.images = [
            describe(path, relative, live.saved.get(path, {}))
            for path in dict.fromkeys(event.results)
            if (relative := self._engine.relative_path(path)) is not None
        ]
        if isinstance(event, events.Failed):
            task.error = event.error
        task.transition(_STATUS_OF[type(event)])
        self._write(task, then_forget=True)
        log.info("task %s %s: %d images", task.task_id, task.status.value, len(task.images))

    def _write(self, task: Task, *, then_forget: bool = False) -> None:
        values = storage.changes(task)

        def update() -> None:
            self._repository.update(task.task_id, values)
            if then_forget:
                with self._lock:
                    self._live.pop(task.task_id, None)

        self._follow(update, task.task_id)

    def _follow(self, change: Callable[[], None], task_id: str) -> None:
        """Write behind the event: a client is told at once, and asks the living until the row is there."""

        def written(done: Future[None]) -> None:
            if (error := done.exception()) is not None:
                log.error("task %s could not be written: %s", task_id, error)

        self._repository.write(change).add_done_callback(written)

    def _living(self, task_id: str) -> LiveTask | None:
        with self._lock:
            return self._live.get(task_id)


_STATUS_OF: dict[type[events.Event], TaskStatus] = {
    events.Finished: TaskStatus.FINISHED,
    events.Failed: TaskStatus.FAILED,
    events.Stopped: TaskStatus.STOPPED,
}
