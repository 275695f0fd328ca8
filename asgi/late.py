"""An ASGI application that is built on a thread of its own, so that a server can answer before."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from .types import AsgiApp, Scope

log = logging.getLogger("fooocus_api")

PAUSE_S = 0.5
"""Seconds before the thread begins if no request waits: the server's first answers need the interpreter."""


class LateApp:
    """The application, or until it is built its stand-in: what arrives waits for it without holding the event loop."""

    def __init__(self, build: Callable[[], AsgiApp], substitute: Callable[[Exception], AsgiApp]) -> None:
        """Prepare the application.

        Args:
            build: returns the application; called once, on the thread.
            substitute: returns the application that answers instead if `build` raises this error.
        """
        self._build = build
        self._substitute = substitute
        self._app: Future[AsgiApp] = Future()
        self._app.set_running_or_notify_cancel()  # from now on a request that is cancelled leaves it for the others
        self._lock = threading.Lock()
        self._started = False
        self._wanted = threading.Event()
        self._then: list[Callable[[], None]] = []

    def start(self, then: Callable[[], None] = lambda: None) -> None:
        """Begin to build, unless it was begun. Afterwards, if it succeeds, call `then`, on any thread."""
        with self._lock:
            is_built = self._app.done()
            is_first, self._started = not self._started, True
            if not is_built:
                self._then.append(then)
        if is_first:
            threading.Thread(target=self._run, name="fooocus-api-build", daemon=True).start()
        elif is_built:
            then()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if not self._app.done():
            self._wanted.set()
            self.start()
            await asyncio.wrap_future(self._app)
        await self._app.result()(scope, receive, send)

    def _run(self) -> None:
        self._wanted.wait(PAUSE_S)
        try:
            app, then = self._build(), self._then
        except Exception as error:
            app, then = self._substitute(error), []
        with self._lock:
            self._app.set_result(app)
        for action in then:
            try:
                action()
            except Exception:
                log.exception("step after the start of the API failed")
