"""The body of `POST /v1/batches`, read within its limit."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from ....asgi.error_codes import ErrorCode
from ...responses.problems import Problem
from ..json_body import SMALL_BODY_BYTES, check_coding
from ..memory_budget import Reservation

MAX_BODY_BYTES = 32 * 2**20
JSON, LINES, CSV = "json", "lines", "csv"
KINDS = {
    "application/json": JSON,
    "application/x-ndjson": LINES,
    "application/jsonl": LINES,
    "application/x-jsonlines": LINES,
    "application/json-lines": LINES,
    "text/csv": CSV,
    "application/csv": CSV,
    "text/tab-separated-values": CSV,
}
"""Media type → the kind of the body."""
SHOWN = ("application/x-ndjson", "text/csv", "application/json")


def kind_of(request: Request) -> str:
    """Return the kind of a request's body.

    Raises:
        Problem: 415, its media type is another.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    kind = KINDS.get(media_type)
    if kind is None:
        detail = f"body is {media_type or 'of an unknown type'}; send {', '.join(SHOWN)} as Content-Type"
        raise Problem(ErrorCode.UNSUPPORTED_MEDIA_TYPE, detail)
    return kind


async def read_body(request: Request, reservation: Reservation) -> bytearray:
    """Return the body, whose memory `reservation` counts.

    Raises:
        Problem: 413, it is too large; 415, it is compressed; 503, other requests occupy the memory.
    """
    check_coding(request)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        reservation.grow(max(len(body) - SMALL_BODY_BYTES - reservation.size, 0))
        if not message.get("more_body"):
            return body


def _too_large() -> Problem:
    most = f"at most {MAX_BODY_BYTES // 2**20} MiB are allowed"
    return Problem(ErrorCode.PAYLOAD_TOO_LARGE, f"body is too large; {most}, send several batches")
