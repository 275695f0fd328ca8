"""Serves files in memory below one path: with validators, for GET and HEAD, and with the headers of a page."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Generic, TypeVar

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..error_codes import ErrorCode
from ..problem import problem_response, shortened
from ..types import path_of
from .files import FixedFile

FilesT = TypeVar("FilesT")
METHODS = ("GET", "HEAD")
REVALIDATE = {"Cache-Control": "no-cache"}
PAGE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # With `no-referrer`, browsers send `Origin: null` with a form, which the cross-origin protection would refuse.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class FixedPages(ABC, Generic[FilesT]):
    """ASGI middleware that answers the requests at and below `root`. It reads the files at the first of them."""

    remedy: ClassVar[str]
    """The advice of the answer to a path without a file."""

    def __init__(self, app: ASGIApp, root: str, policy: str, read: Callable[[], FilesT]) -> None:
        """Wrap `app`. `policy` is the Content-Security-Policy, and `read` returns the files."""
        self._app = app
        self._root = root
        self._headers = {"Content-Security-Policy": policy, **PAGE_HEADERS}
        self._read = read
        self._files: FilesT | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = path_of(scope) if scope["type"] == "http" else ""
        if path == self._root or path.startswith(f"{self._root}/"):
            await (await self._answer(scope, path))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    @abstractmethod
    def find(self, files: FilesT, path: str) -> tuple[FixedFile, Mapping[str, str]] | None:
        """Return the file at a path and its headers, None if there is none. A path is only looked up: none leads elsewhere."""

    def redirect(self, path: str, headers: Headers) -> Response | None:
        """Return the answer that leads from a path to another one, None if it has a file of its own."""
        return None

    async def _answer(self, scope: Scope, path: str) -> Response:
        if scope["method"] not in METHODS:
            detail = f"{path} does not support {shortened(str(scope['method']))}; use GET"
            allowed = {**self._headers, "Allow": ", ".join(METHODS)}
            return problem_response(ErrorCode.METHOD_NOT_ALLOWED, detail, allowed)
        given = Headers(scope=scope)
        leading = self.redirect(path, given)
        if leading is not None:
            return leading
        if self._files is None:
            self._files = await asyncio.to_thread(self._read)
        found = self.find(self._files, path)
        if found is None:
            detail = f"{self._root.strip('/')} has no file {shortened(path)}; {self.remedy}"
            return problem_response(ErrorCode.PATH_NOT_FOUND, detail, {**self._headers, "Cache-Control": "no-store"})
        file, own = found
        headers = {**self._headers, **own, "ETag": file.etag}
        if file.etag in _known(given):
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)  # the server drops the body for HEAD


def _known(headers: Headers) -> list[str]:
    """Return the validators of the copies that the client has."""
    given = headers.get("if-none-match", "")
    return [each.strip().removeprefix("W/") for each in given.split(",")]
