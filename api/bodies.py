"""JSON bodies, read within bounds and off the event loop. For routes that take JSON: `APIRouter(route_class=JsonRoute)`."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pydantic_core
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from .errors import FieldError, InvalidFields, Problem, shortened

MAX_BODY = 96 * 2**20
"""Bytes: room for one image of the largest size in base64, or several smaller ones."""
MAX_SIGNS = 200_000
"""Commas, brackets and quotes in one body: a request has a thousand."""
MAX_ESCAPES = 2_000_000
"""Backslashes in one body: base64 of 50 MiB has half as many where every slash gets one."""
MAX_IN_A_ROW = 4096
"""Backslashes before a quote."""
MAX_HELD = 2**30
"""Bytes of bodies that are in memory at once, of all requests."""
LONG_TEXT = 256
"""Characters from which on a text can't be one of our fields' names."""

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRoute(APIRoute):
    """Reads the body before FastAPI does, which then finds the content where it looks for it. Forms are left alone."""

    def get_route_handler(self) -> _Handler:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            if _is_form(request):
                return await handle(request)
            held = _Held()
            bounded = _Read(request.scope, request.receive)
            try:
                await bounded.read(held)
                return await handle(bounded)
            finally:
                bounded.forget()
                held.release()

        return handler


class _Read(Request):
    """A request whose body has been read and understood."""

    async def read(self, held: _Held) -> None:
        announced = self.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > MAX_BODY:
            raise _too_large()
        body = bytearray()  # joining many pieces at the end would hold the event loop
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            held.take(len(piece))
            body += piece
            if len(body) > MAX_BODY:
                raise _too_large()
            if not message.get("more_body"):
                break
        self._body: Any = body
        if _is_json(self) and body:
            self._json = await asyncio.to_thread(read_json, body)

    def forget(self) -> None:
        """Streams keep the request for as long as they last."""
        self._body, self._json = b"", None


class _Held:
    """What one request has of the memory for bodies."""

    _total = 0
    _lock = threading.Lock()

    def __init__(self) -> None:
        self._mine = 0

    def take(self, size: int) -> None:
        with self._lock:
            if size and _Held._total + size > MAX_HELD:
                raise Problem(
                    503, "too many large requests at once; send images to /inputs", headers={"Retry-After": "5"}
                )
            _Held._total += size
            self._mine += size

    def release(self) -> None:
        with self._lock:
            _Held._total -= self._mine
            self._mine = 0


def read_json(body: bytes | bytearray) -> Any:
    """What the body says: JSON in UTF-8 without NaN, lone surrogates or a name that is given twice in one object.

    Raises:
        Problem: 413 when it has too many values, whose number is what takes time and memory.
        InvalidFields: it is no such JSON.
    """
    if sum(body.count(sign) for sign in b',[{"') > MAX_SIGNS:
        raise Problem(413, f"the body has too many values: at most {MAX_SIGNS} commas, brackets and quotes are allowed")
    if body.count(b"\\") > MAX_ESCAPES:
        raise Problem(413, f"the body has too many backslashes: at most {MAX_ESCAPES} are allowed")
    try:
        content = pydantic_core.from_json(body, allow_inf_nan=False, cache_strings="none")
        json.loads(_without_long_texts(body), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InvalidFields([FieldError(field="body", message=f"is not JSON that can be used: {error}")]) from error
    return content


def _without_long_texts(body: bytes | bytearray) -> str:
    """The same JSON with a number in place of each long text, such as an image. Names stay different from each other: each
    number is another one, and too long to be a short text."""
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


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("multipart/form-data", "application/x-www-form-urlencoded")


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _too_large() -> Problem:
    return Problem(413, f"the body is too large: at most {MAX_BODY // 2**20} MiB are allowed; send images to /inputs")
