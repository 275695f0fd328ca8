"""Calls that may hang, such as a look at a share that has gone away, on daemon threads and within a time.

A pool of the standard library keeps the process alive until its last call returns, and the event loop's own pool serves the API.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class LateCalls:
    """A bounded number of daemon threads, started with the first calls."""

    def __init__(self, name: str, max_threads: int, within_s: float) -> None:
        self._name = name
        self._max_threads = max_threads
        self._within_s = within_s
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._open = 0

    async def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what the function returns.

        Raises:
            TimeoutError: it has not returned within the time. If it has begun, it keeps its thread until it returns.
            Exception: what the function raises.
        """
        future: Future[T] = Future()
        with self._lock:
            self._open += 1
            is_needed = self._threads < min(self._open, self._max_threads)
            self._threads += is_needed
        self._waiting.put((future, lambda: function(*arguments)))
        if is_needed:
            self._start_thread()
        result = asyncio.wrap_future(future)
        try:
            done, _ = await asyncio.wait({result}, timeout=self._within_s)
        finally:
            result.cancel()  # of one that is not done: no thread begins with it any more
        if not done:
            raise TimeoutError(f"no result within {self._within_s:g} s")
        return result.result()

    def _start_thread(self) -> None:
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError:  # the system has no thread left: another one takes the call, or its time ends
            with self._lock:
                self._threads -= 1

    def _work(self) -> None:
        while True:
            future, function = self._waiting.get()
            if future.set_running_or_notify_cancel():  # False when its time is over
                try:
                    result = function()
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
            with self._lock:
                self._open -= 1
