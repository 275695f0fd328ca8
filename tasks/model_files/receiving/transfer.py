"""One attempt to receive a file, or the rest of it, into its part."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

from ....model_files.kinds import SNIFFED_BYTES, FileKind, is_web_page, kind_of
from ....outbound.pinned_connection import BlockedAddress, OutboundError, UnknownHost
from ....outbound.streaming import StopSwitch, StreamClient, StreamedResponse
from .answer import Answer, StartAgain, read_answer, web_page
from .disk import DiskReserve
from .partial_file import PartialFile, Source
from .records import DownloadErrorCode, DownloadFailed, DownloadRequest

SYNC_BYTES = 64 * 2**20
"""Bytes after which the part is flushed to the disk, and the free space is checked again."""
FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC})


class Progress(Protocol):
    """Receiver of a transfer's progress."""

    def answered(self, name: str | None, source: Source, offset: int) -> str:
        """Record the server's name, the file's identity, and the number of received bytes that the answer continues. Return the
        name that the file will have.

        Raises:
            DownloadFailed: the file can't have that name.
        """

    def received(self, count: int) -> None:
        """Record the number of received bytes."""

    def synced(self, count: int) -> None:
        """Record the number of bytes that are on the disk."""


class Transfer:
    """Receives files. Any thread."""

    def __init__(self, client: StreamClient, disk: DiskReserve) -> None:
        self._client = client
        self._disk = disk

    def run(
        self, request: DownloadRequest, partial: PartialFile, source: Source, progress: Progress, switch: StopSwitch
    ) -> None:
        """Receive the file, or the rest of it. Returns once the part is complete.

        Args:
            source: the file's identity in an earlier attempt.

        Raises:
            DownloadFailed: the attempt failed; what has arrived stays.
        """
        try:
            self._run(request, partial, source, progress, switch)
        except StartAgain as error:
            partial.discard_part()
            code = DownloadErrorCode.UNREACHABLE if error.can_continue else DownloadErrorCode.NOT_CONTINUED
            raise DownloadFailed(code, str(error), is_transient=True) from error

    def _run(
        self, request: DownloadRequest, partial: PartialFile, source: Source, progress: Progress, switch: StopSwitch
    ) -> None:
        offset, has_answered = partial.length(), source != Source()
        headers = _range(offset, source, has_hash=bool(request.sha256 or source.sha256))
        if not headers:
            if offset:
                partial.discard_part()
            offset, source = 0, Source()
        with (
            _requesting(has_answered=has_answered),
            self._client.open(request.url, headers, request.headers, switch) as response,
        ):
            answer = read_answer(response, offset, source)
            self._check(request, answer, partial, response, progress)
            if not answer.is_complete:
                self._receive(response, answer, partial, progress)

    def _check(
        self,
        request: DownloadRequest,
        answer: Answer,
        partial: PartialFile,
        response: StreamedResponse,
        progress: Progress,
    ) -> None:
        """Check what the server announces before its first byte is read."""
        with storing():  # before the identity is recorded: bytes of an earlier file must never have that of the new one
            partial.prepare(answer.offset)
        name, total = progress.answered(answer.name, answer.source, answer.offset), answer.source.total
        if total is None:
            is_chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
            if not (is_chunked or request.sha256 or answer.source.sha256 or kind_of(name) is FileKind.SAFETENSORS):
                message = "the server does not announce the file's size, so that a complete file can't be recognised; send sha256"
                raise DownloadFailed(DownloadErrorCode.SIZE_MISMATCH, message)
        elif request.size not in (None, total):
            message = f"the server announces {total} bytes, and size is {request.size}"
            raise DownloadFailed(DownloadErrorCode.SIZE_MISMATCH, message)
        announced = answer.source.sha256
        if request.sha256 and announced and announced != request.sha256:
            message = f"the server announces the SHA-256 {announced}, and sha256 is {request.sha256}"
            raise DownloadFailed(DownloadErrorCode.CHECKSUM_MISMATCH, message)
        with storing():
            self._disk.check(partial.folder, max(0, (total or request.size or 0) - answer.offset))

    def _receive(self, response: StreamedResponse, answer: Answer, partial: PartialFile, progress: Progress) -> None:
        count, total = answer.offset, answer.source.total
        next_sync = count + SYNC_BYTES
        beginning = b""
        with storing():
            file = partial.open()
        with file:
            for piece in response.pieces():
                if count < SNIFFED_BYTES:
                    beginning += piece[:SNIFFED_BYTES]
                    if not answer.offset and is_web_page(beginning):
                        raise web_page()
                count += len(piece)
                if total is not None and count > total:
                    raise DownloadFailed(DownloadErrorCode.SIZE_MISMATCH, "the server sends more than it announced")
                with storing():
                    file.write(piece)
                progress.received(count)
                if count >= next_sync:
                    with storing():
                        _sync(file)
                        self._disk.check(partial.folder, max(0, (total or count) - count))
                    progress.synced(count)
                    next_sync = count + SYNC_BYTES
            with storing():
                _sync(file)
        progress.synced(count)
        if total is not None and count < total:
            message = f"the connection was closed after {count} of {total} bytes"
            raise DownloadFailed(DownloadErrorCode.UNREACHABLE, message, is_transient=True)


def _range(offset: int, source: Source, *, has_hash: bool) -> dict[str, str]:
    """Return the headers that ask for the rest of a file; nothing if the rest could be of another file unnoticed."""
    if not offset:
        return {}
    headers = {"Range": f"bytes={offset}-"}
    if source.validator is not None:
        return {**headers, "If-Range": source.validator}
    return headers if has_hash else {}


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def storing() -> Iterator[None]:
    """Translate the errors of the disk.

    Raises:
        DownloadFailed: the `with` block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        code = DownloadErrorCode.DISK_FULL if error.errno in FULL_DISK else DownloadErrorCode.STORAGE_FAILED
        raise DownloadFailed(code, f"the file can't be written: {error.strerror or type(error).__name__}") from error


@contextmanager
def _requesting(*, has_answered: bool) -> Iterator[None]:
    """Translate the errors of the network. If the server `has_answered` before, its host is known, and will be again."""
    try:
        yield
    except UnknownHost as error:
        if not has_answered:
            raise DownloadFailed(DownloadErrorCode.URL_REFUSED, f"the URL {error}") from error
        message = "the server can't be found now; check the network"
        raise DownloadFailed(DownloadErrorCode.UNREACHABLE, message, is_transient=True) from error
    except BlockedAddress as error:
        raise DownloadFailed(DownloadErrorCode.URL_REFUSED, f"the URL {error}") from error
    except OutboundError as error:
        message = f"the server {error}"
        raise DownloadFailed(DownloadErrorCode.UNREACHABLE, message, is_transient=True) from error
