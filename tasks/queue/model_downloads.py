"""Downloads missing files that a task needs, and enqueues the task when it has all of them."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import requests
import urllib3.exceptions

from ...files.replacing import discard, put_in_place, write_atomically
from ..model import events
from ..model.active_tasks import ActiveTask
from ..model.task import Task, TaskError, TaskStatus
from ..ports.engine import Engine
from ..streaming.event_bus import EventBus

CHUNK_BYTES = 1 << 18
MIB = 1 << 20
TIMEOUT_S = (10, 60)
"""Seconds to connect, and seconds between two bytes."""
HEADERS = {"Accept-Encoding": "identity"}
"""Requests the file without compression, so that Content-Length is the file's size."""


class DownloadError(Exception):
    """A file could not be downloaded; the message names it and the reason."""


@dataclass(frozen=True)
class Download:
    """A file to download from `url` to `path`. In a cluster, `node` names the process whose path it is; elsewhere it is empty."""

    url: str
    path: Path
    node: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the download as it is stored with its task."""
        node = {"node": self.node} if self.node else {}
        return {"url": self.url, "path": str(self.path), **node}

    @staticmethod
    def from_json(values: dict[str, str]) -> Download:
        """Return the download that `to_json` has stored."""
        return Download(values["url"], Path(values["path"]), values.get("node", ""))

    def fetch(self, report: Callable[[int, int | None], None]) -> None:
        """Download the file completely or not at all. Report the bytes received and the total, None if unknown.

        Raises:
            DownloadError: the server is unreachable, broke off or sent a web page, or the file can't be written.
        """
        of = f".{self.node}" if self.node else ""  # another node may share the folder, and download for its own task
        part = self.path.with_name(f"{self.path.name}{of}.part")
        try:
            if not self._is_complete(part):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with requests.get(self.url, headers=HEADERS, stream=True, timeout=TIMEOUT_S) as response:
                    size = _size(response)
                    report(0, size)
                    with part.open("wb") as file:
                        _receive(response, size, file, report)
        except BaseException as error:
            discard(part)
            if isinstance(error, requests.Timeout):
                raise self._failed(f"it does not answer within {TIMEOUT_S[1]} s") from error
            if isinstance(error, (DownloadError, OSError, ValueError, urllib3.exceptions.HTTPError)):
                raise self._failed(_reason(error)) from error
            raise
        self._place(part)

    def _place(self, part: Path) -> None:
        """Rename a complete file. If that fails, keep it for the next try: it may have many gigabytes."""
        try:
            put_in_place(part, self.path)
            discard(_marker_of(part))
        except OSError as error:
            if self.path.is_file():  # another program has created it since
                discard(part)
                return
            with contextlib.suppress(OSError):
                write_atomically(_marker_of(part), json.dumps(self._marker(part)))
            raise DownloadError(
                f"{self.path.name} was downloaded and could not be renamed from {part.name}: {_reason(error)}; "
                "close the program that has it open and send the request again; the file is not downloaded again"
            ) from error

    def _is_complete(self, part: Path) -> bool:
        """Return whether a file was downloaded completely from this URL and could not be renamed."""
        try:
            return bool(json.loads(_marker_of(part).read_bytes()) == self._marker(part))
        except (OSError, ValueError):
            return False

    def _marker(self, part: Path) -> dict[str, str | int]:
        status = part.stat()
        return {"url": self.url, "size": status.st_size, "mtime_ns": status.st_mtime_ns}

    def _failed(self, reason: str) -> DownloadError:
        return DownloadError(f"{self.path.name} could not be downloaded from {self.url}: {reason}")


def _marker_of(part: Path) -> Path:
    """Return the path of the marker file for a complete `.part`."""
    return part.with_name(part.name + ".whole")


def _size(response: requests.Response) -> int | None:
    """Return the length of the response's body, None for a chunked one.

    Raises:
        DownloadError: the status is an error, the body is a web page, or its length is unknown.
    """
    if not response.ok:
        raise DownloadError(f"it answers {response.status_code} {response.reason}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError("it answers with a web page instead of the file")
    if "chunked" in response.headers.get("Transfer-Encoding", ""):
        return None
    size = response.headers.get("Content-Length", "")
    if not size.isdigit():
        raise DownloadError("it does not send the file's size, so a complete download can't be verified")
    return int(size)


def _receive(
    response: requests.Response, size: int | None, file: BinaryIO, report: Callable[[int, int | None], None]
) -> None:
    # read1 returns what has arrived, so that a cancelled download ends with a slow server, too; urllib3 < 2.1 has only read.
    read = getattr(response.raw, "read1", response.raw.read)
    broke_off = None
    try:
        while chunk := read(CHUNK_BYTES):
            file.write(chunk)
            report(file.tell(), size)
    except urllib3.exceptions.ProtocolError as error:
        broke_off = error
    if broke_off or size not in (None, file.tell()):
        of = "" if size is None else f" of {size}"
        raise DownloadError(f"the connection was closed after {file.tell()}{of} bytes") from broke_off


def _reason(error: BaseException) -> str:
    """Return the message of the innermost exception, without the wrapping by libraries."""
    while not isinstance(error, DownloadError) and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class Downloader:
    """Downloads the files of one task after the other in the background, and enqueues each task when its files are complete.

    In a cluster, the process that has accepted a task downloads its files, as the paths are its own. A node that has them may
    claim the task before, and then they are not needed here.
    """

    def __init__(self, bus: EventBus, engine: Engine, node: str = "", *, has_folders: bool = True) -> None:
        """Store the dependencies.

        Args:
            node: the name of this process in a cluster, empty without one.
            has_folders: False for a gateway, which downloads nothing.
        """
        self._bus = bus
        self._engine = engine
        self._node = node
        self._has_folders = has_folders
        self._is_closed = False
        self._waiting: set[str] = set()
        self._last_title = ""
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fooocus-api-downloads")

    def noted(self, downloads: Sequence[Download]) -> list[dict[str, str]]:
        """Return downloads as they are stored with a task that this process accepts."""
        return [replace(download, node=self._node).to_json() for download in downloads]

    def is_here(self, task: Task) -> bool:
        """Return whether this process downloads the files that a task needs. Of a row that names no node, as those of earlier
        versions, each node does."""
        return self._has_folders and bool(task.downloads) and (not self._node or _nodes_of(task) <= {"", self._node})

    def submit(self, live: ActiveTask) -> bool:
        """Schedule the downloads of a pending task that is not in the queue yet. Return False if no file is missing, or another
        process downloads them."""
        downloads = [Download.from_json(item) for item in live.task.downloads]
        if not self.is_here(live.task) or all(download.path.is_file() for download in downloads):
            return False
        self._schedule(live, downloads, is_queued=False)
        return True

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Schedule the downloads of a task that this process has accepted and that another one has put into the queue: a row of
        a batch, or one that a lost node gave back."""
        if active is None or not isinstance(event, events.Queued):
            return
        if self._node and self.is_here(active.task) and _nodes_of(active.task) == {self._node}:
            downloads = [Download.from_json(item) for item in active.task.downloads]
            self._schedule(active, downloads, is_queued=True)

    def _schedule(self, live: ActiveTask, downloads: Sequence[Download], *, is_queued: bool) -> None:
        with self._lock:
            if self._is_closed or live.task.task_id in self._waiting:
                return
            self._waiting.add(live.task.task_id)
            self._thread.submit(self._run, live, downloads, is_queued=is_queued)

    def cancel(self, task_id: str) -> bool:
        """Cancel a task that waits for its files; its `Stopped` event follows. Return False if it does not wait for any, or if a
        node may have claimed it: the engine withdraws it, and the download ends with that."""
        with self._lock:
            if self._node or task_id not in self._waiting:
                return False
            self._waiting.remove(task_id)
        self._bus.emit(events.Stopped(task_id, []))
        return True

    def close(self) -> None:
        """Cancel all downloads."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _run(self, live: ActiveTask, downloads: Sequence[Download], *, is_queued: bool) -> None:
        """Download a task's files, report progress and enqueue the task if it is not in the queue, or fail it with the reason."""
        task_id = live.task.task_id
        try:
            missing = [download for download in downloads if not download.path.is_file()]
            for download in missing:
                self._check(live)
                replace(download, node=self._node).fetch(partial(self._report, live, download.path.name))
        except _Cancelled:
            return
        except Exception as error:
            with self._dequeued(live) as was_waiting:
                if was_waiting:
                    self._bus.emit(events.Failed(task_id, [], TaskError(type(error).__name__, str(error))))
            return
        with self._dequeued(live) as was_waiting:
            if was_waiting and (missing or not is_queued):
                self._report_title(task_id, 0, "Waiting ...")
            if was_waiting and not is_queued:
                self._engine.enqueue(live.task, live.workload)

    def _report(self, live: ActiveTask, name: str, received: int, size: int | None) -> None:
        task_id = live.task.task_id
        self._check(live)
        if size:
            percent = received * 100 // size
            self._report_title(task_id, percent, f"Downloading {name}: {percent} %")
        else:
            self._report_title(task_id, 0, f"Downloading {name}: {received // MIB} MiB")

    def _check(self, live: ActiveTask) -> None:
        """Raise `_Cancelled` if the task does not wait for its files any more."""
        with self._lock:
            if live.task.status is not TaskStatus.PENDING:  # another node has it by now, or it was stopped
                self._waiting.discard(live.task.task_id)
            if live.task.task_id not in self._waiting:
                raise _Cancelled

    def _report_title(self, task_id: str, percent: int, title: str) -> None:
        if title != self._last_title:
            self._last_title = title
            self._bus.emit(events.Progress(task_id, percent, title))

    @contextlib.contextmanager
    def _dequeued(self, live: ActiveTask) -> Iterator[bool]:
        """Remove a task from the waiting ones and yield whether it was there and is pending. The `with` block holds the lock: no
        `cancel` can come in between."""
        task_id = live.task.task_id
        with self._lock:
            was_waiting = task_id in self._waiting
            self._waiting.discard(task_id)
            yield was_waiting and live.task.status is TaskStatus.PENDING


def _nodes_of(task: Task) -> set[str]:
    return {download.get("node", "") for download in task.downloads}


class _Cancelled(Exception):
    """The task that needed the file was cancelled."""
