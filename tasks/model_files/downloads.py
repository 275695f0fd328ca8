"""All downloads of model files: submission, order, control, and their return after a restart."""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..ports.model_folders import ModelFolders
from .job import DownloadJob
from .placement import Placement
from .receiving.partial_file import StoredDownload, discard_orphans, stored_downloads
from .receiving.records import DownloadErrorCode, DownloadFailed, DownloadRecord, DownloadRequest, DownloadState
from .runner import DownloadRunner
from .watching import DownloadWatchers

log = logging.getLogger("fooocus_api.model_files")

AT_ONCE = 2
"""Downloads that run at the same time."""
MAX_UNFINISHED = 50
"""Downloads that may wait, run, or be resumable: each may have a part of many gigabytes."""
MAX_ENDED = 100
"""Records of ended downloads that are kept."""


class UnknownDownload(Exception):
    """No download has this id."""


class TooManyDownloads(Exception):
    """The limit of unfinished downloads is reached."""


class WrongDownloadState(Exception):
    """The state of a download does not permit the action; the message says which it is."""


class ModelDownloads:
    """Downloads files into the host's folders, at most `AT_ONCE` at a time. Any thread; nothing blocks for long."""

    def __init__(
        self, folders: ModelFolders, placement: Placement, runner: DownloadRunner, watchers: DownloadWatchers
    ) -> None:
        self.watchers = watchers
        self._folders = folders
        self._placement = placement
        self._runner = runner
        self._jobs: dict[str, DownloadJob] = {}
        self._waiting: queue.SimpleQueue[DownloadJob] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.RLock()

    def recover(self) -> None:
        """Take over the downloads that earlier processes have left, and continue those that need no credentials. Never raises."""
        try:
            for root in dict.fromkeys(path for folder in self._folders.folders() for path in folder.paths):
                for stored in sorted(stored_downloads(root), key=lambda one: one.record.created_at):
                    self._take_over(stored, root)
                discard_orphans(root)
        except Exception:
            log.exception("model downloads of an earlier start not recovered")

    def submit(self, request: DownloadRequest) -> DownloadRecord:
        """Accept a download; its state survives a restart from now on.

        Raises:
            UnknownFolder: the host has no such folder.
            DownloadFailed: the file can't have this name.
            TooManyDownloads: there are too many.
            OSError: the state can't be written.
        """
        folder = self._placement.folder(request.folder)
        if request.name is not None:
            request = replace(request, name=self._placement.check_name(folder, request.name))
        record = DownloadRecord(
            uuid.uuid4().hex,
            request.folder,
            request.shown_url,
            int(time.time() * 1000),
            name=request.name,
            total=request.size,
        )
        job = DownloadJob(StoredDownload.of(record, request), folder.paths[0], request, self.watchers.publish)
        with self._lock:
            if sum(one.record.state.is_unfinished for one in self._jobs.values()) >= MAX_UNFINISHED:
                raise TooManyDownloads
            self._check_unclaimed(job)
            job.partial.claim()
            job.save()
            self._jobs[record.download_id] = job
            self._drop_oldest()
        self._enqueue(job)
        return job.record

    def get(self, download_id: str) -> DownloadRecord:
        """Return a download's state.

        Raises:
            UnknownDownload: there is none.
        """
        return self._job(download_id).record

    def all(self) -> list[DownloadRecord]:
        """Return all downloads, the newest first."""
        with self._lock:
            records = [job.record for job in self._jobs.values()]
        return sorted(records, key=lambda record: -record.created_at)

    def cancel(self, download_id: str) -> DownloadRecord:
        """Cancel a download that has not ended, and discard what it has received.

        Raises:
            UnknownDownload: there is none.
            WrongDownloadState: it has ended.
        """
        return self._changed(download_id, DownloadJob.cancel, "has ended")

    def resume(self, download_id: str, change: Callable[[DownloadRequest], DownloadRequest]) -> DownloadRecord:
        """Continue a paused or failed download, with the request that `change` returns.

        Raises:
            UnknownDownload: there is none.
            WrongDownloadState: it is neither paused nor failed.
        """
        job = self._job(download_id)
        record = self._changed(download_id, lambda one: one.resume(change(one.request)), "is neither paused nor failed")
        self._enqueue(job)
        return record

    def sha256_of(self, path: Path, size: int, modified_ns: int) -> str | None:
        """Return the SHA-256 of a file that was downloaded and is unchanged, else None."""
        with self._lock:
            found = [job.installed_as() for job in self._jobs.values()]
        return next((one[2] for one in found if one is not None and one[:2] == (path, (size, modified_ns))), None)

    def close(self) -> None:
        """End all streams. Downloads end with the process; their state on the disk is what a later one continues."""
        self.watchers.close()

    def _job(self, download_id: str) -> DownloadJob:
        with self._lock:
            job = self._jobs.get(download_id)
        if job is None:
            raise UnknownDownload(download_id)
        return job

    def _changed(self, download_id: str, action: Callable[[DownloadJob], bool], otherwise: str) -> DownloadRecord:
        job = self._job(download_id)
        if not action(job):
            raise WrongDownloadState(f"download {download_id} {otherwise}: it is {job.record.state.value}")
        return job.record

    def _check_unclaimed(self, new: DownloadJob) -> None:
        """Make sure that no other active download has the same target.

        Raises:
            DownloadFailed: one has.
        """
        name = new.record.name
        for job in self._jobs.values():
            same = job.root == new.root and (job.record.name or "").casefold() == (name or "").casefold()
            if name is not None and same and job.record.state.is_active:
                message = (
                    f"{name!r} is being downloaded by {job.record.download_id}; cancel that one, or send another name"
                )
                raise DownloadFailed(DownloadErrorCode.NAME_TAKEN, message)

    def _take_over(self, stored: StoredDownload, root: Path) -> None:
        record = stored.record
        if record.download_id in self._jobs:
            return
        job = DownloadJob(stored, root, stored.request(), self.watchers.publish)
        if record.state.is_unfinished and not job.partial.claim():
            return
        with self._lock:
            self._jobs[record.download_id] = job
            self._drop_oldest()
        if not record.state.is_unfinished:
            return
        job.recover()
        if job.record.state is DownloadState.WAITING:
            self._enqueue(job)

    def _drop_oldest(self) -> None:
        """Forget the oldest records of ended downloads."""
        ended = [job for job in self._jobs.values() if not job.record.state.is_unfinished]
        for job in sorted(ended, key=lambda one: one.record.created_at)[:-MAX_ENDED]:
            del self._jobs[job.record.download_id]
            job.partial.discard()

    def _enqueue(self, job: DownloadJob) -> None:
        self._waiting.put(job)
        with self._lock:
            if len(self._threads) < AT_ONCE:
                thread = threading.Thread(target=self._work, name="fooocus-api-model-files", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _work(self) -> None:
        while True:
            self._runner.run(self._waiting.get())
