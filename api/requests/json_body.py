"""Reads JSON bodies within size limits and parses them off the event loop, for `APIRouter(route_class=JsonRoute)`."""

from __future__ import annotations

import asyncio
import json
import math
from codecs import BOM_UTF8
from collections.abc import Callable, Coroutine
from typing import Any

import pydantic_core
from fastapi import Request, Response
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from ...asgi.error_codes import ErrorCode, FieldErrorCode
from ...asgi.problem import shortened
from ..responses.problems import Problem, invalid_field
from .memory_budget import BODY_BUDGET, Reservation
from .parameter_names import NamingRoute

MAX_BODY_BYTES = 96 * 2**20
"""Bytes: enough for one image of the largest size in base64, or several smaller ones."""
MAX_SIGNS = 200_000
"""Commas, brackets and quotes in one body. A usual request has a thousand."""
MAX_ESCAPES = 2_000_000
"""Backslashes in one body. Base64 of 50 MiB with every slash escaped has half as many."""
MAX_IN_A_ROW = 4096
"""Consecutive backslashes before a quote."""
SMALL_BODY_BYTES = 2**16
"""Bytes of each body that the budget does not count, so that clients that exhaust it block no usual request."""
LONG_TEXT = 256
"""Characters. A longer text can't be one of our fields' names."""

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRoute(NamingRoute):
    """A route that reads and parses the body before FastAPI does; FastAPI then uses the cached content."""

    takes_forms = False
    """Set if the route reads forms itself, as FastAPI would read them without a limit."""
    max_body_bytes = MAX_BODY_BYTES

    def get_route_handler(self) -> _Handler:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            if self.takes_forms and is_form(request):
                return await handle(request)
            bounded = BufferedRequest(request.scope, request.receive)
            with BODY_BUDGET.reservation() as reservation:
                try:
                    await bounded.read(reservation, self.max_body_bytes)
                    return await handle(bounded)
                finally:
                    bounded.forget()

        return handler


class JsonOrFormRoute(JsonRoute):
    """A `JsonRoute` that also accepts forms, which it reads by `images/forms.py`."""

    takes_forms = True


class BufferedRequest(Request):
    """A request that caches its body and the parsed JSON."""

    async def read(self, reservation: Reservation, most: int = MAX_BODY_BYTES) -> None:
        check_coding(self)
        self._reservation = reservation
        announced = self.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > most:
            raise _too_large(most)
        body = bytearray()  # joining many pieces at the end would block the event loop
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            body += piece
            if len(body) > most:
                raise _too_large(most)
            reservation.grow(max(len(body) - SMALL_BODY_BYTES - reservation.size, 0))
            if not message.get("more_body"):
                break
        self._body: Any = body
        if is_json(self) and body:
            self._json = await asyncio.to_thread(read_json, body)

    def forget(self) -> None:
        """Free the body, as a stream keeps the request until it ends."""
        self._body, self._json = b"", None

    def free(self) -> None:
        """Free the body and what is reserved for it, although FastAPI's own variables have it until the response."""
        for content in (self._body, getattr(self, "_json", None)):
            if isinstance(content, (bytearray, dict, list)):
                content.clear()
        self.forget()
        self._reservation.release()


def free_body(request: Request, *models: BaseModel) -> None:
    """Free the body of a request whose task is queued, before the wait for its end: the client may be gone by then.

    Args:
        models: what was made of the body. They are empty afterwards.
    """
    for model in models:
        vars(model).clear()
        (model.model_extra or {}).clear()
    if isinstance(request, BufferedRequest):
        request.free()


def check_coding(request: Request) -> None:
    """Check that a body is not compressed: how large it becomes is known only when it is decompressed.

    Raises:
        Problem: 415, it is.
    """
    sent = [coding.strip() for coding in ",".join(request.headers.getlist("content-encoding")).split(",")]
    coding = next((coding for coding in sent if coding.lower() not in ("", "identity")), None)
    if coding is not None:
        detail = f"body has the Content-Encoding {shortened(coding, 40)}; send it without compression"
        raise Problem(ErrorCode.UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept-Encoding": "identity"})


def with_json(request: Request, content: bytes) -> Request:
    """Return the request with this JSON in place of its body, which has been read."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    headers = [pair for pair in request.scope["headers"] if pair[0] not in (b"content-type", b"content-length")]
    return Request({**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}, receive)


def read_json(body: bytes | bytearray) -> Any:
    """Parse JSON in UTF-8 without NaN, infinite numbers, lone surrogates or duplicate names in one object.

    A leading byte order mark, as Windows programs write it, is ignored.

    Raises:
        Problem: 413, the body has too many values: their number determines time and memory.
        InvalidFields: the body is not such JSON.
    """
    if body.startswith(BOM_UTF8):
        body = body[len(BOM_UTF8) :]
    if sum(body.count(sign) for sign in b',[{"') > MAX_SIGNS:
        raise Problem(
            ErrorCode.PAYLOAD_TOO_LARGE,
            f"body has too many values; at most {MAX_SIGNS} commas, brackets and quotes are allowed",
        )
    if body.count(b"\\") > MAX_ESCAPES:
        raise Problem(ErrorCode.PAYLOAD_TOO_LARGE, f"body has too many backslashes; at most {MAX_ESCAPES} are allowed")
    try:
        content = pydantic_core.from_json(body, allow_inf_nan=False, cache_strings="none")
        json.loads(_without_long_texts(body), object_pairs_hook=_unique, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        reason = str(error) if _is_utf8(body) else "it is not UTF-8"
        raise invalid_field("body", FieldErrorCode.INVALID_JSON, f"is not valid JSON: {reason}") from error
    return content


def _is_utf8(body: bytes | bytearray) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _without_long_texts(body: bytes | bytearray) -> str:
    """Return the JSON with a number in place of each long text, such as an image. Distinct names remain distinct: each number
    is unique, and longer than any short text."""
    pieces: list[bytes | bytearray] = []
    at = kept = 0
    while (start := body.find(b'"', at)) >= 0:
        end = body.find(b'"', start + 1)
        while _is_escaped(body, start, end):
            end = body.find(b'"', end + 1)
        if end - start > LONG_TEXT:
            pieces += body[kept : start + 1], b"%0*d" % (LONG_TEXT + 1, start)
            kept = end
        at = end + 1
    return b"".join([*pieces, body[kept:]]).decode()


def _is_escaped(body: bytes | bytearray, start: int, at: int) -> bool:
    before = body[max(start + 1, at - MAX_IN_A_ROW) : at]
    backslashes = len(before) - len(before.rstrip(b"\\"))
    if backslashes == MAX_IN_A_ROW:
        raise ValueError("too many backslashes")
    return backslashes % 2 == 1


def _unique(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) < len(pairs):
        twice = next(name for name in names if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"{shortened(twice)!r} is given more than once")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):  # like 1e400, which no answer with it could have
        raise ValueError(f"number {shortened(text, 40)} is too large")
    return value


def is_form(request: Request) -> bool:
    """Return whether the body is a form that may contain files."""
    return _kind(request) == "multipart/form-data"


def is_json(request: Request) -> bool:
    """Return whether the body is JSON, as one without a `Content-Type` is."""
    kind = _kind(request)
    return kind in ("", "application/json") or (kind.startswith("application/") and kind.endswith("+json"))


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _too_large(most: int) -> Problem:
    if most < MAX_BODY_BYTES:
        return Problem(ErrorCode.PAYLOAD_TOO_LARGE, f"body is too large; at most {most // 2**10} KiB are allowed")
    return Problem(
        ErrorCode.PAYLOAD_TOO_LARGE,
        f"body is too large; at most {MAX_BODY_BYTES // 2**20} MiB are allowed, upload images to /inputs",
    )
