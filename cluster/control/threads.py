"""Threads of requests for tools, each with a future for its result, and their turns with the tools of this process."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
LOOK_S = 2.0
"""Seconds between two looks whether the client is still there, and the asked node."""


class Turn:
    """A request's turn with a tool of this process. The tool does not run if the request is cancelled before.

    Args:
        has_gone: returns whether the client has gone, so that there is nothing to wait for.
    """

    def __init__(self, has_gone: Callable[[], bool] = lambda: False) -> None:
        self._has_gone = has_gone
        self._is_cancelled = False
        self._future: Future[Any] | None = None
        self._lock = threading.Lock()

    def is_cancelled(self) -> bool:
        """Return whether the request was cancelled."""
        return self._is_cancelled

    def cancel(self) -> None:
        """Cancel the request, also before its tool is known. Never waits; any thread."""
        with self._lock:
            self._is_cancelled = True
            future = self._future
        if future is not None:
            future.cancel()

    def result(self, future: Future[T], within_s: float) -> T:
        """Wait for the result of the tool, and return it. An early end of the wait cancels the tool.

        Raises:
            FutureTimeout: it has taken too long.
            CancelledError: the request was cancelled, or its client has gone.
        """
        with self._lock:
            self._future = future
        if self._is_cancelled:
            future.cancel()
        until = time.monotonic() + within_s
        while True:
            try:
                return future.result(max(0.0, min(LOOK_S, until - time.monotonic())))
            except FutureTimeout:
                if future.done():  # by now, or the error is the tool's own
                    return future.result()
                if self._has_gone():
                    future.cancel()
                    raise CancelledError from None
                if time.monotonic() >= until:
                    future.cancel()  # it would run at its turn, for no one
                    raise


def run_on_thread(action: Callable[[], T], future: Future[T], ended: Callable[[], None] = lambda: None) -> Future[T]:
    """Run an action on a thread of its own, then `ended`. Return the future, which gets the result, or the error of a system that
    starts no more threads. Returns at once."""

    def run() -> None:
        try:
            result = action()
        except BaseException as error:
            _settle(partial(future.set_exception, error))
        else:
            _settle(partial(future.set_result, result))
        finally:
            ended()

    try:
        threading.Thread(target=run, name="fooocus-api-tool", daemon=True).start()
    except RuntimeError as error:
        _settle(partial(future.set_exception, error))
        ended()
    return future


def _settle(action: Callable[[], None]) -> None:
    """Complete a future, unless its client has gone."""
    with contextlib.suppress(InvalidStateError):
        action()
