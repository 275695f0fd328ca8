"""Reads a file server's answer to a request for a file or the rest of it: errors, sizes, names and the file's identity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ....model_files.names import foreign_name_in_url, name_in_disposition, name_in_url
from ....outbound.streaming import StreamedResponse
from .partial_file import Source
from .records import DownloadErrorCode, DownloadFailed

SHA256 = re.compile(r"[0-9a-f]{64}")
CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)
UNSATISFIED = re.compile(r"bytes \*/(\d{1,18})", re.ASCII)
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
MAX_VALIDATOR = 200
"""Characters of an ETag or a time that are kept."""
MAX_RETRY_AFTER_S = 60


class StartAgain(Exception):
    """The received part is useless; the message is the reason."""

    def __init__(self, reason: str = "the server's file has changed", *, can_continue: bool = True) -> None:
        """Store the reason. `can_continue` is false if the server can't send the rest of a file."""
        super().__init__(reason)
        self.can_continue = can_continue


@dataclass(frozen=True)
class Answer:
    """An answer with a file. `offset` is the position of its first byte, `source` the file's identity, `name` the server's name
    for it. `is_complete` if the part already has every byte."""

    offset: int
    source: Source
    name: str | None
    is_complete: bool = False


def read_answer(response: StreamedResponse, offset: int, before: Source) -> Answer:
    """Return the meaning of an answer.

    Args:
        offset: the received bytes, after which the request asked for the rest.
        before: the file's identity in an earlier attempt.

    Raises:
        DownloadFailed: the server refuses, or sends something else than a file.
        StartAgain: the part can't be continued.
    """
    headers = response.headers
    if response.status == 416 and offset:
        return _nothing_left(response, offset, before)
    if response.status not in (200, 206):
        raise _refusal(response)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in ("text/html", "application/xhtml+xml"):
        raise web_page()
    if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise DownloadFailed(DownloadErrorCode.SERVER_ERROR, "the server compresses the file although it should not")
    source = _source(response, _total(response))
    name = name_in_disposition(headers.get("content-disposition", "")) or name_in_url(response.url)
    name = name or foreign_name_in_url(response.url)  # a message then says which kinds are allowed
    if response.status == 200:
        return Answer(0, source, name)
    found = CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    if found is None or int(found[1]) != offset:
        sent = f"bytes from {int(found[1])}" if found is not None else "bytes without saying which"
        raise StartAgain(f"the server was asked for the bytes from {offset}, and sends {sent}", can_continue=False)
    return Answer(offset, _continued(source, before), name)


def web_page() -> DownloadFailed:
    """Return the failure for a page in place of a file."""
    message = "the server sends a web page instead of a file; a token is missing, or the URL is that of a page"
    return DownloadFailed(DownloadErrorCode.NOT_A_MODEL_FILE, message)


def _nothing_left(response: StreamedResponse, offset: int, before: Source) -> Answer:
    found = UNSATISFIED.fullmatch(response.headers.get("content-range", ""))
    if found is None or int(found[1]) != offset:
        raise StartAgain
    return Answer(offset, _continued(_source(response, offset), before), None, is_complete=True)


def _continued(now: Source, before: Source) -> Source:
    """Return the identity of a file that is continued. A server may leave out with the rest what it has announced before.

    Raises:
        StartAgain: the server's file is another one. Not every server compares its file with `If-Range`.
    """
    if before.total not in (None, now.total) or _differ(before, now):
        raise StartAgain
    known = {name: value for name, value in vars(now).items() if value is not None}
    return replace(before, **known)


def _differ(before: Source, now: Source) -> bool:
    """Return whether two identities are certainly of different files, by the best property that both have."""
    if before.sha256 and now.sha256:
        return before.sha256 != now.sha256
    if before.etag and now.etag:
        return before.etag.removeprefix("W/") != now.etag.removeprefix("W/")
    return bool(before.last_modified and now.last_modified) and before.last_modified != now.last_modified


def _refusal(response: StreamedResponse) -> DownloadFailed:
    status = response.status
    if status in (401, 403):
        message = (
            f"the server answers {status}; send a token in headers, such as Authorization, or accept the model's terms"
        )
        return DownloadFailed(DownloadErrorCode.UNAUTHORIZED, message)
    if status in (404, 410):
        return DownloadFailed(DownloadErrorCode.NOT_FOUND, f"the server answers {status}; check the URL")
    wish = response.headers.get("retry-after", "")
    pause = min(int(wish), MAX_RETRY_AFTER_S) if wish.isascii() and wish.isdigit() and len(wish) < 9 else 0
    message = f"the server answers {status}"
    is_transient = status in TRANSIENT
    return DownloadFailed(DownloadErrorCode.SERVER_ERROR, message, is_transient=is_transient, retry_after_s=pause)


def _total(response: StreamedResponse) -> int | None:
    """Return the size of the whole file, None if the server does not say it."""
    headers = response.headers
    if response.status == 206:
        found = CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
        return int(found[3]) if found else None
    if "chunked" not in headers.get("transfer-encoding", "").lower():
        return _number(headers.get("content-length"))
    return next(filter(None, (_number(hop.get("x-linked-size")) for hop in response.hops)), None)


def _source(response: StreamedResponse, total: int | None) -> Source:
    """Return the identity. Hugging Face announces the SHA-256 of large files in `X-Linked-Etag` of the first answer."""
    announced = (hop.get("x-linked-etag", "").strip('"').lower() for hop in response.hops)
    sha256 = next((text for text in announced if SHA256.fullmatch(text)), None)
    return Source(_kept(response.headers, "etag"), _kept(response.headers, "last-modified"), sha256, total)


def _kept(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    return value if value is not None and len(value) <= MAX_VALIDATOR and value.isprintable() else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else None
