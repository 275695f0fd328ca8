"""Files a task needs that are not there yet. Called by the service, which queues the task once they are."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import requests

from . import events
from .bus import EventBus
from .engine import Engine
from .live import LiveTasks
from .task import Task, TaskError

CHUNK = 1 << 20
TIMEOUT = (10, 60)
"""Seconds to connect, and between two bytes."""


class DownloadError(Exception):
    """A file could not be had; the message says which and why."""


@dataclass(frozen=True)
class Download:
    """A file to be fetched from `url` to `path`."""

    url: str
    path: Path

    def to_json(self) -> dict[str, str]:
        """As it is kept with its task."""
        return {"url": self.url, "path": str(self.path)}

    @staticmethod
    def from_json(values: dict[str, str]) -> Download:
        """And back."""
        return Download(values["url"], Path(values["path"]))

    def fetch(self, tell: Callable[[float | None], None]) -> None:
        """Fetch it whole or not at all. `tell` is called with the share that is there, None when the size is unknown.

        Raises:
            DownloadError: it can't be reached, broke off, or can't be written.
        """
        part = self.path.with_name(self.path.name + ".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with requests.get(self.url, stream=True, timeout=TIMEOUT) as response, part.open("wb") as file:
                response.raise_for_status()
                size = int(response.headers.get("content-length") or 0)
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
                    tell(file.tell() / size if size else None)
                if size and file.tell() != size and "content-encoding" not in response.headers:
                    raise DownloadError(f"{self.path.name} broke off after {file.tell()} of {size} bytes")
            os.replace(part, self.path)
        except (requests.RequestException, OSError) as error:
            raise DownloadError(f"{self.path.name} could not be downloaded from {self.url}: {error}") from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()


class Downloader:
    """Fetches the files of one task after the other, in the background, and queues each task when it has all of its own."""

    def __init__(self, bus: EventBus, live: LiveTasks, engine: Engine) -> None:
        self._bus = bus
        self._live = live
        self._engine = engine
        self._waiting: set[str] = set()
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fooocus-api-downloads")

    def submit(self, task: Task, downloads: Sequence[Download]) -> None:
        """Take a pending task that is not in the queue yet."""
        with self._lock:
            self._waiting.add(task.task_id)
        self._thread.submit(self._run, task, downloads)

    def cancel(self, task_id: str) -> bool:
        """Let a task go that waits for its files; its `Stopped` event follows. False when it does not wait for any."""
        with self._lock:
            if task_id not in self._waiting:
                return False
            self._waiting.remove(task_id)
        self._bus.emit(events.Stopped(task_id, []))
        return True

    def close(self) -> None:
        """Fetch nothing more."""
        with self._lock:
            self._waiting.clear()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _run(self, task: Task, downloads: Sequence[Download]) -> None:
        """Fetch what a task needs, tell how far it is, and queue it; or fail it with the reason."""
        told: tuple[str, int] = ("", -1)

        def tell(name: str, share: float | None) -> None:
            nonlocal told
            if task.task_id not in self._waiting:
                raise _Cancelled
            percent = 0 if share is None else int(share * 100)
            if (name, percent) != told:
                told = (name, percent)
                self._bus.emit(events.Progress(task.task_id, 0, f"Downloading {name}: {percent} %"))

        try:
            for download in downloads:
                if not download.path.is_file():
                    download.fetch(lambda share, name=download.path.name: tell(name, share))  # type: ignore[misc]
        except _Cancelled:
            return
        except Exception as error:
            if self._leave(task.task_id):
                self._bus.emit(events.Failed(task.task_id, [], TaskError(type(error).__name__, str(error))))
            return
        if self._leave(task.task_id):
            self._engine.enqueue(task)

    def _leave(self, task_id: str) -> bool:
        """Whether it still waited: whoever takes it out decides what becomes of it."""
        with self._lock:
            waited = task_id in self._waiting
            self._waiting.discard(task_id)
        return waited


class _Cancelled(Exception):
    """Nobody waits for the file any more."""
