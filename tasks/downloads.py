"""Files a task needs that are not there yet. Called by the service, which queues the task once they are."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import requests
import urllib3.exceptions

from ..files.replacing import discard, put_in_place, write_atomically
from . import events
from .bus import EventBus
from .engine import Engine
from .live import LiveTasks
from .task import Task, TaskError

PIECE = 1 << 18
MIB = 1 << 20
TIMEOUT = (10, 60)
"""Seconds to connect, and between two bytes."""
HEADERS = {"Accept-Encoding": "identity"}
"""The file as it is, so that the size that is announced is the file's."""


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

    def fetch(self, tell: Callable[[int, int | None], None]) -> None:
        """Fetch it whole or not at all. `tell` is called with the bytes that are there, and all there will be if known.

        Raises:
            DownloadError: it can't be reached, broke off, is no file, or can't be written.
        """
        part = self.path.with_name(self.path.name + ".part")
        try:
            if not self._is_whole(part):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with requests.get(self.url, headers=HEADERS, stream=True, timeout=TIMEOUT) as response:
                    size = _size(response)
                    tell(0, size)
                    with part.open("wb") as file:
                        _receive(response, size, file, tell)
        except BaseException as error:
            discard(part)
            if isinstance(error, requests.Timeout):
                raise self._failed(f"it does not answer within {TIMEOUT[1]} s") from error
            if isinstance(error, (DownloadError, OSError, ValueError, urllib3.exceptions.HTTPError)):
                raise self._failed(_reason(error)) from error
            raise
        self._place(part)

    def _place(self, part: Path) -> None:
        """Give a whole file its name. It is kept for the next try when that can't be done: it may be of many gigabytes."""
        try:
            put_in_place(part, self.path)
            discard(_note_of(part))
        except OSError as error:
            if self.path.is_file():  # another program has put it there in between
                discard(part)
                return
            with contextlib.suppress(OSError):
                write_atomically(_note_of(part), json.dumps(self._as_noted(part)))
            raise DownloadError(
                f"{self.path.name} was downloaded and could not be renamed from {part.name}: {_reason(error)}; "
                "send the request again when no other program has it open: it is not downloaded again"
            ) from error

    def _is_whole(self, part: Path) -> bool:
        """Return True for a file that was downloaded from here and could not be renamed."""
        try:
            return bool(json.loads(_note_of(part).read_bytes()) == self._as_noted(part))
        except (OSError, ValueError):
            return False

    def _as_noted(self, part: Path) -> dict[str, str | int]:
        status = part.stat()
        return {"url": self.url, "size": status.st_size, "mtime_ns": status.st_mtime_ns}

    def _failed(self, reason: str) -> DownloadError:
        return DownloadError(f"{self.path.name} could not be downloaded from {self.url}: {reason}")


def _note_of(part: Path) -> Path:
    """Return the file that says that a `.part` is whole."""
    return part.with_name(part.name + ".whole")


def _size(response: requests.Response) -> int | None:
    """How many bytes will come, None where only the last of its chunks will tell."""
    if not response.ok:
        raise DownloadError(f"it answers {response.status_code} {response.reason}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError("it answers with a web page in place of the file")
    if "chunked" in response.headers.get("Transfer-Encoding", ""):
        return None
    size = response.headers.get("Content-Length", "")
    if not size.isdigit():
        raise DownloadError("it does not say how large the file is, and so a part could not be told from the whole")
    return int(size)


def _receive(
    response: requests.Response, size: int | None, file: BinaryIO, tell: Callable[[int, int | None], None]
) -> None:
    # read1 gives what has come, so that a slow server can be left; urllib3 before 2.1 has only read.
    read = getattr(response.raw, "read1", response.raw.read)
    broke_off = None
    try:
        while piece := read(PIECE):
            file.write(piece)
            tell(file.tell(), size)
    except urllib3.exceptions.ProtocolError as error:
        broke_off = error
    if broke_off or size not in (None, file.tell()):
        of = "" if size is None else f" of {size}"
        raise DownloadError(f"it broke off after {file.tell()}{of} bytes") from broke_off


def _reason(error: BaseException) -> str:
    """What the system said, without the wrapping of the libraries in between."""
    while not isinstance(error, DownloadError) and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class Downloader:
    """Fetches the files of one task after the other, in the background, and queues each task when it has all of its own."""

    def __init__(self, bus: EventBus, live: LiveTasks, engine: Engine) -> None:
        self._bus = bus
        self._live = live
        self._engine = engine
        self._waiting: set[str] = set()
        self._told = ""
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
        try:
            for download in downloads:
                if not download.path.is_file():
                    download.fetch(partial(self._tell, task.task_id, download.path.name))
        except _Cancelled:
            return
        except Exception as error:
            with self._leaving(task.task_id) as waited:
                if waited:
                    self._bus.emit(events.Failed(task.task_id, [], TaskError(type(error).__name__, str(error))))
            return
        with self._leaving(task.task_id) as waited:
            if waited:
                self._tell_title(task.task_id, 0, "Waiting ...")
                self._engine.enqueue(task)

    def _tell(self, task_id: str, name: str, there: int, size: int | None) -> None:
        if task_id not in self._waiting:
            raise _Cancelled
        if size:
            percent = there * 100 // size
            self._tell_title(task_id, percent, f"Downloading {name}: {percent} %")
        else:
            self._tell_title(task_id, 0, f"Downloading {name}: {there // MIB} MiB")

    def _tell_title(self, task_id: str, percent: int, title: str) -> None:
        if title != self._told:
            self._told = title
            self._bus.emit(events.Progress(task_id, percent, title))

    @contextlib.contextmanager
    def _leaving(self, task_id: str) -> Iterator[bool]:
        """Whether it still waited. Nobody can cancel it meanwhile: whoever takes it out decides what becomes of it."""
        with self._lock:
            waited = task_id in self._waiting
            self._waiting.discard(task_id)
            yield waited


class _Cancelled(Exception):
    """Nobody waits for the file any more."""
