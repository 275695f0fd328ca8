"""Waits for a tool's result."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from ...asgi.error_codes import ErrorCode
from ...auth.rate_limit import LimitReached
from ...tasks.ports.tools import ToolFailed
from ..responses.problems import Problem
from ..schemas.task import error_members
from ..security.authorization import Access, access_of

T = TypeVar("T")
RETRY_S = 10


class InProgress:
    """The number of requests for tools that wait in this process, by the source of their keys. Any thread."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, access: Access) -> None:
        """Count a request.

        Raises:
            LimitReached: as many wait as tasks of the key may.
        """
        most = access.limits.pending_tasks
        with self._lock:
            if most is not None and self._numbers[access.source] >= most:
                message = f"{most} requests of this key wait for tools, its maximum as for pending tasks"
                raise LimitReached("pending_tasks", most, RETRY_S, message)
            self._numbers[access.source] += 1

    def remove(self, access: Access) -> None:
        """End the count of a request."""
        with self._lock:
            self._numbers[access.source] -= 1
            if not self._numbers[access.source]:
                del self._numbers[access.source]


IN_PROGRESS = InProgress()


@contextmanager
def counted(access: Access) -> Iterator[None]:
    """Count a request for a tool while it waits.

    Raises:
        LimitReached: as many requests of its key wait for tools as tasks of it may.
    """
    IN_PROGRESS.add(access)
    try:
        yield
    finally:
        IN_PROGRESS.remove(access)


async def tool_result(begin: Callable[[], Future[T]], request: Request) -> T:
    """Begin a tool and return its result. If the client disconnects first, cancel it.

    Raises:
        ClientDisconnect: the client disconnected.
        LimitReached: as many requests of its key wait for tools as tasks of it may.
        Problem: 500, the tool failed.
    """
    with counted(access_of(request)):
        answered = asyncio.wrap_future(begin())
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
