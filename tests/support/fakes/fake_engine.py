"""A fake engine without models: the worker and its queue as the domain sees them, moved by hand. For tests of `tasks`."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from fooocus_api.adapters.image_log.image_log import ImageLog
from fooocus_api.adapters.task_args.workload_fields import workload_of
from fooocus_api.images.storage.file_journal import FileJournal
from fooocus_api.tasks.model import events
from fooocus_api.tasks.model.pick import OLDEST, Pick
from fooocus_api.tasks.model.task import Task, TaskError
from fooocus_api.tasks.model.workload.workload import Workload
from fooocus_api.tasks.ports.engine import Interruption, ParameterError, Stayed
from fooocus_api.tasks.streaming.event_bus import EventBus, Handler


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 4)).save(buffer, "PNG")
    return buffer.getvalue()


PNG = _png()


class CountingBus(EventBus):
    """An event bus that reports when all emitted events are handled, and that can lose its events as in a crash."""

    def __init__(self) -> None:
        super().__init__()
        self._open = 0
        self._changed = threading.Condition()
        self.dead = False

    def start(self, *handlers: Handler) -> None:
        super().start(*(self._unless_dead(handler) for handler in handlers), self._count)

    def _unless_dead(self, handler: Handler) -> Handler:
        return lambda event: None if self.dead else handler(event)

    def emit(self, event: events.Event) -> None:
        with self._changed:
            self._open += 1
        super().emit(event)

    def _count(self, _: events.Event) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def settle(self) -> None:
        """Wait until all emitted events are handled."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._open == 0, 30)


class HandOrder:
    """Implements the `QueueOrder` port on a list of ids."""

    def __init__(self, bus: EventBus, queue: list[str]) -> None:
        self._bus = bus
        self._queue = queue
        self._is_paused = False

    def move_to_front(self, task_id: str) -> bool:
        return self._move(task_id, lambda: 0)

    def move_to_end(self, task_id: str) -> bool:
        return self._move(task_id, lambda: len(self._queue))

    def move_before(self, task_id: str, before: str) -> list[str] | None:
        if before not in self._queue or not self._move(task_id, lambda: self._queue.index(before)):
            return None
        return self._queue[: self._queue.index(before)]

    def _move(self, task_id: str, place: Callable[[], int]) -> bool:
        if task_id not in self._queue:
            return False
        self._queue.remove(task_id)
        self._queue.insert(place(), task_id)
        self._bus.emit(events.Moved(task_id))
        return True

    def pause(self, paused: bool) -> None:
        self._is_paused = paused

    def is_paused(self) -> bool:
        return self._is_paused

    def picks(self) -> list[tuple[str, Pick]]:
        return [(task_id, OLDEST) for task_id in self._queue]

    def task_ids(self) -> list[str]:
        return list(self._queue)

    def place(self, task_id: str) -> int | None:
        return self._queue.index(task_id) if task_id in self._queue else None

    def stranded(self, source: str | None, most: int) -> list[str]:
        return []


class HandFiles:
    """Implements the `EngineFiles` port on one folder."""

    def __init__(self, journal: FileJournal, outputs: Path) -> None:
        self._journal = journal
        self._outputs = outputs
        self._log = ImageLog()

    def save_array(self, task_id: str, array: Any, image_format: str) -> str:
        path = self.new_file(task_id)
        path.write_bytes(PNG)
        return str(path)

    def encode(self, array: Any) -> bytes:
        return PNG

    def keep(self, task_id: str, path: str) -> str:
        raise FileNotFoundError(path)

    def relative_path(self, path: str) -> str | None:
        inside = Path(path).is_relative_to(self._outputs)
        return Path(path).relative_to(self._outputs).as_posix() if inside else None

    def is_kept(self, path: str) -> bool:
        return True

    def is_unfinished(self, file: Path) -> bool:
        return False

    def finish_saves(self, within_s: float) -> None:
        """Return at once: images are saved in place."""

    def remove_images(self, paths: Sequence[str]) -> list[Stayed]:
        return self._log.remove_images([self._outputs], paths)

    def new_file(self, task_id: str) -> Path:
        number = len(list(self._outputs.iterdir()))
        path = self._outputs / f"{task_id[:8]}-{number}.png"
        while path.exists():
            number += 1
            path = self._outputs / f"{task_id[:8]}-{number}.png"
        self._journal.record(task_id, str(path))
        return path


class Machine:
    """Implements the `Engine` port; a test moves its worker with `start`, `save`, `end` …"""

    def __init__(self, bus: EventBus, journal: FileJournal, outputs: Path) -> None:
        self._bus = bus
        self.files = HandFiles(journal, outputs)
        self.queue: list[str] = []
        self.order = HandOrder(bus, self.queue)
        self.current: str | None = None
        self.results: list[Any] = []
        self.stopping = False

    # ------------------------------------------------------------ the engine

    def check(self, parameters: dict[str, Any]) -> None:
        if parameters.get("wrong"):
            raise ParameterError("wrong is not allowed")

    def workload(self, parameters: dict[str, Any]) -> Workload:
        return workload_of(parameters, lambda performance: None)

    def enqueue(self, task: Task, workload: Workload) -> None:
        self._bus.emit(events.Queued(task.task_id))
        self.queue.append(task.task_id)

    def withdraw(self, task_id: str) -> bool:
        if task_id not in self.queue:
            return False
        self.queue.remove(task_id)
        self._bus.emit(events.Stopped(task_id, []))
        return True

    def in_hand(self) -> str | None:
        return self.current

    def interrupt(self, task_id: str, how: Interruption) -> bool:
        if task_id != self.current:
            return False
        self.stopping = self.stopping or how == "stop"
        return True

    # ------------------------------------------------------------ its worker

    def click(self, task_id: str) -> None:
        """Queue a task that comes through the WebUI."""
        self._bus.emit(events.Queued(task_id, "webui", {"prompt": "clicked"}))
        self.queue.append(task_id)

    def start(self) -> None:
        """Start the next task."""
        self.current, self.results, self.stopping = self.queue.pop(0), [], False
        self._bus.emit(events.Started(self.current))

    def progress(self, percent: int) -> None:
        assert self.current is not None
        self._bus.emit(events.Progress(self.current, percent, "Sampling"))

    def save(self, *, reported: bool) -> None:
        """Write an image; without `reported` it is truncated, or dies with the worker."""
        assert self.current is not None
        path = self.files.new_file(self.current)
        path.write_bytes(PNG if reported else PNG[:40])
        if reported:
            self._bus.emit(events.ImageSaved(self.current, str(path), {"seed": "7"}))
            self.results.append(str(path))

    def end(self, error: TaskError | None, *, grid: bool, forgets: bool, twice: bool) -> str:
        """End the task: failed with an `error`, with an image that is not a file yet (`grid`), without its results
        (`forgets`, if it fails), or with two end events (`twice`).
        """
        assert self.current is not None
        task_id, self.current = self.current, None
        results = [] if forgets and error else [*self.results, *([object()] if grid else [])]
        ended: events.Ended
        if error is not None:
            ended = events.Failed(task_id, results, error)
        else:
            ended = (events.Stopped if self.stopping else events.Finished)(task_id, results)
        self._bus.emit(ended)
        if twice:
            self._bus.emit(events.Failed(task_id, [], TaskError("Second", "of two")))
        return task_id
