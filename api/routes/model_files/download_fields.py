"""Checks of a download's fields that no schema can express: its URL, headers and members."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel

from ....asgi.error_codes import FieldErrorCode
from ....asgi.problem import shortened
from ....model_files.names import page_hint
from ....outbound.pinned_connection import BlockedAddress, OutboundError
from ....outbound.streaming import StreamClient
from ...requests.parameter_names import unknown_name, unknown_names
from ...responses.problems import FieldError, InvalidFields
from ...validation.validation import is_http_url
from .schemas import MAX_HEADERS, MAX_URL_LENGTH

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
OWN_HEADERS = frozenset(
    {
        *("accept-encoding", "connection", "content-length", "content-type", "expect", "host", "if-match", "if-range"),
        *("if-none-match", "keep-alive", "proxy-authorization", "proxy-connection", "range", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    }
)
"""Headers that the download itself sends, or that would change the connection."""


def check_fields(body: BaseModel, url: str | None, headers: Mapping[str, str] | None, client: StreamClient) -> None:
    """Check members, URL and headers.

    Raises:
        InvalidFields: some are invalid; no message repeats a header's value.
    """
    errors = [
        *_unknown_members(body),
        *(_url_errors(url, client) if url is not None else ()),
        *_header_errors(headers or {}),
    ]
    if errors:
        raise InvalidFields(errors)


def _unknown_members(body: BaseModel) -> Iterator[FieldError]:
    known = type(body).model_fields
    yield from (unknown_name(name, known, "member") for name in unknown_names(body.model_extra or {}, known))


def _url_errors(url: str, client: StreamClient) -> Iterator[FieldError]:
    if not is_http_url(url):
        message = "must be an https:// URL of a file"
        yield FieldError(field="url", code=FieldErrorCode.INVALID_FORMAT, message=message)
        return
    if hint := page_hint(url):
        yield FieldError(field="url", code=FieldErrorCode.INVALID_FORMAT, message=hint)
        return
    try:
        client.validate_url(url)
    except BlockedAddress as error:
        yield FieldError(field="url", code=FieldErrorCode.BLOCKED_ADDRESS, message=str(error))
    except OutboundError:
        pass  # the host can't be resolved now, but perhaps when the download begins


def _header_errors(headers: Mapping[str, str]) -> Iterator[FieldError]:
    if len(headers) > MAX_HEADERS:
        message = f"has {len(headers)} entries; at most {MAX_HEADERS} are allowed"
        yield FieldError(field="headers", code=FieldErrorCode.WRONG_COUNT, message=message)
        return
    for name, value in headers.items():
        if problem := _problem_of(name, value, headers):
            yield FieldError(
                field=f"headers.{shortened(name, 60)}", code=FieldErrorCode.INVALID_FORMAT, message=problem
            )


def _problem_of(name: str, value: str, names: Iterable[str]) -> str | None:
    lower = name.lower()
    if not TOKEN.fullmatch(name):
        return "is not the name of a header"
    if lower in OWN_HEADERS:
        return "is a header that the download sends itself; omit it"
    if sum(other.lower() == lower for other in names) > 1:
        return "is given in two spellings; send it once"
    if len(value) > MAX_URL_LENGTH or not (value.isascii() and value.isprintable()) or value != value.strip():
        return f"has a value that a header can't have: at most {MAX_URL_LENGTH} printable ASCII characters"
    return None
