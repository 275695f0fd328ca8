"""Bodies on their way to Gradio, which reads forms on the event loop, the API's as well, before it asks for a login."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

AsgiApp = Callable[
    [MutableMapping[str, Any], Callable[..., Awaitable[Any]], Callable[..., Awaitable[None]]], Awaitable[None]
]

MOST_BYTES = 4096
"""Of a url-encoded form. Gradio's page sends none, its Python client a name and a password; a megabyte takes ten seconds."""


def problem_of(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """Status and reason with which a request of these headers is refused, None when it is not. Names are in lower case."""
    headers = list(headers)
    kind = b" ".join(value for name, value in headers if name == b"content-type").lower()  # of several any may count
    length = dict(headers).get(b"content-length", b"")
    if b"multipart/form-data" in kind and b"charset" in kind:  # some of Python's encodings take minutes
        return 415, "a form with files is sent without a charset"
    if b"urlencoded" in kind and not (length.isdigit() and int(length[:9]) <= MOST_BYTES):
        return 413, f"a url-encoded form has at most {MOST_BYTES} bytes, and says how many"
    return None


def with_content_type(app: AsgiApp) -> AsgiApp:
    """Return the app with a Content-Type on every request that has a body and none.

    Gradio's own Python client of that time sends JSON without one, which FastAPI from 0.132 on does not read.
    """

    async def answer(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and not _has_content_type(scope["headers"]):
            scope = {**scope, "headers": [*scope["headers"], (b"content-type", b"application/json")]}
        await app(scope, receive, send)

    return answer


def _has_content_type(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and value for name, value in headers)
