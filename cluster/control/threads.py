"""Threads of requests for tools, each with a future for its result."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from functools import partial
from typing import TypeVar

T = TypeVar("T")


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
