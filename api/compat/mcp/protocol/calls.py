"""Calls of tools: what a tool gets, and the ways in which a client ends a call before its result."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from typing import Any

from fastapi import Request

from ....context import Context
from ....schemas.generate import CommonRequest
from .eras import Era
from .progress import Observe

_background: set[asyncio.Task[Any]] = set()
"""Keeps what outlives its response from being collected."""


class Ending(Enum):
    """The way in which a client ended a call."""

    CANCELLED = "cancelled"
    """It sent a notification."""
    CLOSED = "closed"
    """It closed the response, which means a cancellation in its era."""
    LOST = "lost"
    """The connection ended, which means nothing in its era."""


class CallEnded(Exception):
    """The client has ended the call: nothing reads its result."""


class Call:
    """One call of a tool.

    `arguments` are checked; `observe` returns the progress once the tool has set it; `ending` is None until the client has ended
    the call.
    """

    def __init__(
        self, context: Context, model: type[CommonRequest], request: Request, era: Era, arguments: dict[str, Any]
    ) -> None:
        self.context = context
        self.model = model
        self.request = request
        self.era = era
        self.arguments = arguments
        self.observe: Observe | None = None
        self.ending: Ending | None = None
        self._loop = asyncio.get_running_loop()
        self._held = ExitStack()
        self._stop: Callable[[Ending], None] | None = None
        self._work: asyncio.Task[Any] | None = None

    def hold(self, held: ExitStack) -> None:
        """Take over what the body of the request holds, such as memory of the budget."""
        self._held = held

    def free(self) -> None:
        """Forget the arguments, which may contain images, and release what the body holds."""
        self.arguments = {}
        self._held.close()

    def begin(self, work: asyncio.Task[Any]) -> None:
        """Note the work whose result is the call's."""
        self._work = work

    async def accepted(self, stop: Callable[[Ending], None], observe: Observe | None = None) -> None:
        """Note that the work has begun and can be stopped.

        Args:
            stop: ends the work if the way in which the client ended the call asks for that. May wait.

        Raises:
            CallEnded: the client has already ended the call.
        """
        self.observe, self._stop = observe, stop
        if self.ending is not None:
            await asyncio.to_thread(stop, self.ending)
            raise CallEnded

    def end(self, ending: Ending) -> None:
        """End the call, on its event loop. Work that can't be stopped yet stops once it can."""
        if self.ending is not None or self._work is None or self._work.done():
            return
        self.ending = ending
        task = asyncio.ensure_future(self._ended(self._work, ending) if self._stop is not None else self._work)
        _background.add(task)
        task.add_done_callback(_forget)

    def cancel(self) -> None:
        """End the call, as its client asks. Any thread."""
        self._loop.call_soon_threadsafe(self.end, Ending.CANCELLED)

    async def _ended(self, work: asyncio.Task[Any], ending: Ending) -> None:
        work.cancel()
        await asyncio.wait((work,))
        if self._stop is not None:
            await asyncio.to_thread(self._stop, ending)


def _forget(task: asyncio.Task[Any]) -> None:
    _background.discard(task)
    if not task.cancelled():
        task.exception()  # read, as nothing else does


CallKey = tuple[str, str, type, Any]
"""Source, session, and the type and value of the request's id."""


class RunningCalls:
    """The calls that clients may cancel. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: defaultdict[CallKey, list[Call]] = defaultdict(list)

    @contextmanager
    def listed(self, key: CallKey, call: Call) -> Iterator[None]:
        """List a call while the `with` block runs."""
        with self._lock:
            self._calls[key].append(call)
        try:
            yield
        finally:
            with self._lock:
                self._calls[key].remove(call)
                if not self._calls[key]:
                    del self._calls[key]

    def cancel(self, key: CallKey) -> None:
        """Cancel the call with this key. Do nothing if there are several: they are those of clients that name no session."""
        with self._lock:
            calls = [*self._calls.get(key, ())]
        if len(calls) == 1:
            calls[0].cancel()
