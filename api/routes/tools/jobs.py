"""Waits for a tool's result."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from ....asgi.error_codes import ErrorCode
from ....tasks.ports.tools import ToolFailed
from ...responses.problems import Problem
from ...schemas.task import error_members

T = TypeVar("T")


async def answer_of(future: Future[T], request: Request) -> T:
    """Return the future's result. If the client disconnects first, cancel the future.

    Raises:
        ClientDisconnect: the client disconnected.
        Problem: 500, the tool failed.
    """
    answered = asyncio.wrap_future(future)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((answered, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            raise ClientDisconnect  # the response is never read
        return answered.result()
    except ToolFailed as failure:
        detail = f"Fooocus failed: {failure}; Fooocus's console has the details"
        raise Problem(ErrorCode.TOOL_FAILED, detail, error=error_members(failure.error)) from failure
    finally:
        answered.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
