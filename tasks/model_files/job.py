"""One download in this process: its state, which changes step by step, and its files."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...outbound.streaming import StopSwitch
from .receiving.partial_file import PartialFile, Source, StoredDownload
from .receiving.records import DownloadErrorCode, DownloadProblem, DownloadRecord, DownloadRequest, DownloadState

log = logging.getLogger("fooocus_api.model_files")

PROGRESS_INTERVAL_S = 0.5
"""Seconds between two reports of progress."""

Publish = Callable[[DownloadRecord], None]


class DownloadJob:
    """A download. Any thread; the thread that runs it reports its progress."""

    def __init__(self, stored: StoredDownload, root: Path, request: DownloadRequest, publish: Publish) -> None:
        """Take a new download or a stored one. `root` is the model folder; `publish` gets each new state."""
        self.root = root
        self.partial = PartialFile(root, stored.record.download_id)
        self.request = request
        self.switch = StopSwitch()
        self._stored = stored
        self._publish = publish
        self._lock = threading.Lock()
        self._runs = 0
        self._is_placing = False
        self._reported_s = time.monotonic()
        self._reported_bytes = stored.record.received

    @property
    def record(self) -> DownloadRecord:
        return self._stored.record

    @property
    def source(self) -> Source:
        """The identity of the server's file, as of the last answer."""
        return self._stored.source

    def installed_as(self) -> tuple[Path, tuple[int, int], str] | None:
        """Return path, size and modification time, and SHA-256 of the complete file, None without one."""
        stored, record = self._stored, self.record
        if stored.installed is None or record.name is None or record.sha256 is None:
            return None
        return self.root.joinpath(*record.name.split("/")), stored.installed, record.sha256

    def save(self) -> None:
        """Write the state to the disk.

        Raises:
            OSError: it can't be written.
        """
        with self._lock:
            self.partial.save(self._stored)

    # ------------------------------------------------------------------ changes of state

    def begin(self) -> bool:
        """Start to work. Return False if the download was cancelled while it waited. `leave` must follow."""
        with self._lock:
            self._runs += 1
        return self._change_if(DownloadState.WAITING, state=DownloadState.DOWNLOADING, error=None)

    def leave(self) -> None:
        """Record that no thread works on the download any more."""
        with self._lock:
            self._runs -= 1
            self._is_placing = False
        self._clean()

    def check(self) -> bool:
        """Record that all bytes are there and are being checked. Return False if the download was cancelled."""
        return self._change_if(DownloadState.DOWNLOADING, state=DownloadState.CHECKING, speed=None)

    def place(self) -> bool:
        """Record that the file is about to get its name: it can't be cancelled any more. Return False if it was cancelled."""
        with self._lock:
            self._is_placing = self.record.state is DownloadState.CHECKING
            return self._is_placing

    def finish(self, sha256: str, size: int, modified_ns: int) -> None:
        """Record that the file has its name."""
        with self._lock:
            self._stored = replace(self._stored, installed=(size, modified_ns))
        self._change(state=DownloadState.DONE, speed=None, ended_at=_now_ms(), sha256=sha256, received=size, total=size)

    def fail(self, problem: DownloadProblem) -> None:
        """Record the failure, unless the download was cancelled."""
        with self._lock:  # held until it is written: a cancellation that was accepted in between would be overwritten
            if not self.record.state.is_active:
                return
            if not problem.code.keeps_part:
                self.partial.discard_part()
            received = self.partial.length()
            self._set(state=DownloadState.FAILED, speed=None, ended_at=_now_ms(), error=problem, received=received)
        self._publish(self.record)

    def recover(self) -> None:
        """Take up a download that an earlier process has left: with the bytes that are surely on the disk, it waits for its turn,
        or for its credentials. A failed one stays failed."""
        with contextlib.suppress(OSError):
            self.partial.prepare(self._stored.synced)
        received = self.partial.length()
        state, problem = self.record.state, self.record.error
        if state.is_active:
            code = DownloadErrorCode.CREDENTIALS_NEEDED
            needs = self._stored.needs_credentials
            state = DownloadState.PAUSED if needs else DownloadState.WAITING
            problem = DownloadProblem(code, code.meaning) if needs else None
        self._change(state=state, speed=None, error=problem, received=received)

    def cancel(self) -> bool:
        """Cancel the download and discard its part. Return False if it has ended, or is about to."""
        with self._lock:
            state = self.record.state
            if self._is_placing or not state.is_unfinished:
                return False
            self._set(state=DownloadState.CANCELLED, speed=None, error=None, received=0, ended_at=_now_ms())
        self.switch.stop()
        self._publish(self.record)
        self._clean()
        return True

    def resume(self, request: DownloadRequest) -> bool:
        """Let the download wait for its turn again, with this request. Return False if it is neither paused nor failed."""
        with self._lock:
            if not self.record.state.is_resumable:
                return False
            self.request = request
            self.switch = StopSwitch()
            self._stored = replace(self._stored, needs_credentials=request.has_credentials)
            self._set(state=DownloadState.WAITING, url=request.shown_url, error=None, ended_at=None)
        self._publish(self.record)
        return True

    # ------------------------------------------------------------------ progress

    def answered(self, name: str, source: Source, offset: int) -> None:
        """Record the file's name, its identity on the server, and the number of received bytes that are of that file."""
        with self._lock:
            self._stored = replace(self._stored, source=source, synced=min(self._stored.synced, offset))
            self._set(name=name, received=offset, total=source.total or self.request.size)
        self._publish(self.record)

    def received(self, count: int) -> None:
        """Record the number of received bytes, and report it now and then."""
        now = time.monotonic()
        seconds = now - self._reported_s
        if seconds < PROGRESS_INTERVAL_S:
            return
        speed = max(0, count - self._reported_bytes) / seconds
        known = self.record.speed
        self._reported_s, self._reported_bytes = now, count
        smooth = speed if known is None else (known + speed) / 2
        with self._lock:
            if self.record.state is not DownloadState.DOWNLOADING:
                return
            self._stored = self._changed(received=count, speed=int(smooth))
        self._publish(self.record)

    def synced(self, count: int) -> None:
        """Record the number of bytes that survive a power failure."""
        with self._lock:
            self._stored = replace(self._stored, synced=count)
            self._set(received=count)

    def _clean(self) -> None:
        """Discard the part of a cancelled download, and end the claim of an ended one, unless a thread still works on it."""
        with self._lock:
            if self._runs:
                return
            state = self.record.state
        if state is DownloadState.CANCELLED:
            self.partial.discard_part()
        if not state.is_unfinished:
            self.request = self._stored.request()  # drops the credentials
            self.partial.release()

    def _change(self, **changes: object) -> None:
        with self._lock:
            self._set(**changes)
        self._publish(self.record)

    def _change_if(self, before: DownloadState, **changes: object) -> bool:
        with self._lock:
            if self.record.state is not before:
                return False
            self._set(**changes)
        self._publish(self.record)
        return True

    def _set(self, **changes: object) -> None:
        """Change the state, with the lock. It is written before anyone sees it, if it can be: without that, a restart continues
        from an older one."""
        stored = self._changed(**changes)
        try:
            self.partial.save(stored)
        except OSError as error:
            extra = {"download": stored.record.download_id, "reason": str(error)}
            log.warning("state of a model download not stored", extra=extra)
        self._stored = stored

    def _changed(self, **changes: object) -> StoredDownload:
        record = replace(self.record, version=self.record.version + 1, **changes)  # type: ignore[arg-type]
        return replace(self._stored, record=record)


def _now_ms() -> int:
    return int(time.time() * 1000)
