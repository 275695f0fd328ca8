"""Runs one download from its first byte to its place: attempts with pauses, checks, and the rename."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence

from ...model_files.kinds import FileKind, kind_of
from ...model_files.safetensors_header import InvalidHeader, check_header
from .job import DownloadJob
from .placement import Placement
from .receiving.partial_file import Source
from .receiving.records import DownloadErrorCode, DownloadFailed
from .receiving.transfer import Transfer, storing

log = logging.getLogger("fooocus_api.model_files")

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before each further attempt. An attempt that brings `PROGRESS_BYTES` begins them again."""
PROGRESS_BYTES = 2**20
HASHED_BYTES = 2**20
"""Bytes that are hashed at a time."""


class _Cancelled(Exception):
    """The download was cancelled."""


class _JobProgress:
    """Implements `transfer.Progress` for a job."""

    def __init__(self, job: DownloadJob, placement: Placement) -> None:
        self._job = job
        self._placement = placement

    def answered(self, name: str | None, source: Source, offset: int) -> str:
        known = self._job.record.name
        if known is None:
            if name is None:
                message = "the server does not name the file; send a name"
                raise DownloadFailed(DownloadErrorCode.NAME_REFUSED, message)
            with storing():  # an error of the folder is none of the network, which would be retried
                known = self._placement.check_name(self._placement.folder(self._job.record.folder), name)
        self._job.answered(known, source, offset)
        return known

    def received(self, count: int) -> None:
        if self._job.switch.is_stopped:
            raise _Cancelled
        self._job.received(count)

    def synced(self, count: int) -> None:
        self._job.synced(count)


class DownloadRunner:
    """Runs downloads, each on the calling thread."""

    def __init__(self, transfer: Transfer, placement: Placement, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._transfer = transfer
        self._placement = placement
        self._pauses_s = pauses_s

    def run(self, job: DownloadJob) -> None:
        """Run a download to its end, whichever it is. Never raises."""
        try:
            self._run(job)
        finally:
            job.leave()

    def _run(self, job: DownloadJob) -> None:
        if not job.begin():
            return
        try:
            self._receive(job)
            self._install(job)
        except _Cancelled:
            pass
        except DownloadFailed as error:
            self._failed(job, error)
        except Exception as error:
            log.exception("model download failed unexpectedly", extra={"download": job.record.download_id})
            message = f"{type(error).__name__}; see Fooocus's console"
            self._failed(job, DownloadFailed(DownloadErrorCode.INTERNAL, message))

    def _failed(self, job: DownloadJob, error: DownloadFailed) -> None:
        job.fail(error.problem)
        extra = {"download": job.record.download_id, "file": job.record.name, "code": error.problem.code.value}
        log.warning("model download failed", extra=extra)

    def _receive(self, job: DownloadJob) -> None:
        """Receive all bytes, in as many attempts as bring progress."""
        if self._placement.is_placed(job.partial.path, job.root, job.record.name):
            return
        if job.record.name is not None:
            with storing():
                self._placement.check_free(job.root, job.record.name)
        progress, most, pauses = _JobProgress(job, self._placement), 0, iter(self._pauses_s)
        not_continued: DownloadFailed | None = None
        while True:
            try:
                self._transfer.run(job.request, job.partial, job.source, progress, job.switch)
                return
            except DownloadFailed as error:
                if job.switch.is_stopped:
                    raise _Cancelled from error
                if not error.is_transient:
                    raise
                if (length := job.partial.length()) >= most + PROGRESS_BYTES:
                    most, pauses = length, iter(self._pauses_s)
                pause = next(pauses, None)
                if error.problem.code is DownloadErrorCode.NOT_CONTINUED:
                    not_continued = error
                if pause is None and not_continued is not None and error.problem.code is DownloadErrorCode.UNREACHABLE:
                    raise not_continued from error  # each attempt has to begin at the first byte
                if pause is None:
                    raise
                if job.switch.wait(max(pause, error.retry_after_s)):
                    raise _Cancelled from error

    def _install(self, job: DownloadJob) -> None:
        """Check the complete file and give it its name."""
        if not job.check():
            raise _Cancelled
        name = job.record.name or ""
        with storing():
            sha256 = self._checked(job, name)
            status = job.partial.path.stat()
            if not job.place():
                raise _Cancelled
            self._placement.place(job.partial.path, job.root, name)
        try:
            self._placement.refresh()
        except Exception:  # the host's own function, which reads all its folders
            log.exception("list of models not refreshed")
        job.finish(sha256, status.st_size, status.st_mtime_ns)
        log.info("model file downloaded", extra={"download": job.record.download_id, "file": name})

    def _checked(self, job: DownloadJob, name: str) -> str:
        """Return the complete file's SHA-256.

        Raises:
            DownloadFailed: the file is not the one that was wanted.
            OSError: it can't be read.
        """
        path, size = job.partial.path, job.partial.length()
        if job.request.size not in (None, size):
            message = f"the file has {size} bytes, and size is {job.request.size}"
            raise DownloadFailed(DownloadErrorCode.SIZE_MISMATCH, message)
        if kind_of(name) is FileKind.SAFETENSORS:
            try:
                check_header(path)
            except InvalidHeader as error:
                raise DownloadFailed(DownloadErrorCode.HEADER_INVALID, f"the file {error}") from error
        found = self._sha256(job)
        for expected, giver in ((job.request.sha256, "sha256"), (job.source.sha256, "the server's announcement")):
            if expected is not None and expected != found:
                message = f"the file's SHA-256 is {found}, and {giver} is {expected}"
                raise DownloadFailed(DownloadErrorCode.CHECKSUM_MISMATCH, message)
        return found

    def _sha256(self, job: DownloadJob) -> str:
        digest = hashlib.sha256()
        with job.partial.path.open("rb") as file:
            while piece := file.read(HASHED_BYTES):
                if job.switch.is_stopped:
                    raise _Cancelled
                digest.update(piece)
        return digest.hexdigest()
