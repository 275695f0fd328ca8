"""Limits for request bodies sent to Gradio, which parses forms before it checks the login, on the API's event loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...asgi.error_codes import ErrorCode
from ...asgi.types import AsgiApp, Scope

MAX_FORM_BYTES = 4096
"""Largest url-encoded form. Gradio's page sends none, its Python client a name and a password; parsing 1 MB takes 10 s."""


def refusal_of(headers: Iterable[tuple[bytes, bytes]]) -> tuple[ErrorCode, str] | None:
    """Return the code and reason to refuse a request with these headers, None to accept it. Names are in lower case."""
    headers = list(headers)
    kind = b" ".join(value for name, value in headers if name == b"content-type").lower()  # any of several may count
    length = dict(headers).get(b"content-length", b"")
    if b"multipart/form-data" in kind and b"charset" in kind:  # some of Python's encodings take minutes
        return ErrorCode.UNSUPPORTED_MEDIA_TYPE, "a form with files has a charset; send it without one"
    if b"urlencoded" in kind and not (length.isdigit() and int(length[:9]) <= MAX_FORM_BYTES):
        return ErrorCode.PAYLOAD_TOO_LARGE, f"a url-encoded form has at most {MAX_FORM_BYTES} bytes, and says how many"
    return None


def with_content_type(app: AsgiApp) -> AsgiApp:
    """Return the app with a JSON Content-Type added to every POST request that has none.

    Gradio's Python client of that time sends JSON without one; FastAPI 0.132 and later do not parse that.
    """

    async def app_with_type(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and not _has_content_type(scope["headers"]):
            scope = {**scope, "headers": [*scope["headers"], (b"content-type", b"application/json")]}
        await app(scope, receive, send)

    return app_with_type


def _has_content_type(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and value for name, value in headers)
