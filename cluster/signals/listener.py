"""The listener of a process for notifications on its channels, as long as it runs, across restarts of the database."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg import sql

from .connection import connect
from .waker import Waker

log = logging.getLogger("fooocus_api.cluster")

FIRST_RETRY_S = 0.1
MAX_RETRY_S = 5.0
CHECK_INTERVAL_S = 15.0
"""Seconds of silence after which a statement checks that the connection lives."""

Handler = Callable[[str], None]


class NotificationListener:
    """Listens on channels of the database, in a thread with a connection of its own.

    The handlers run in that thread, one after the other, and must not wait long. What is sent while the connection is lost is
    lost as well: `on_gap` runs after each connection, the first included, so that listeners read again what they may have
    missed. An exception of either is logged, and nothing else fails with it.

    Args:
        location: the database's URL.
        handlers: channel → what takes each payload.
        on_gap: called whenever the listener begins to listen.
    """

    def __init__(self, location: str, handlers: Mapping[str, Handler], on_gap: Callable[[], None]) -> None:
        self._location = location
        self._handlers = dict(handlers)
        self._on_gap = on_gap
        self._waker = Waker()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fooocus-api-listener", daemon=True)
        self._thread.start()

    def close(self, within_s: float | None = 5.0) -> None:
        """Stop listening. Wait at most `within_s` seconds for the thread."""
        self._closing.set()
        self._waker.wake()
        self._thread.join(within_s)

    def _run(self) -> None:
        retry_s, is_lost = FIRST_RETRY_S, False
        while not self._closing.is_set():
            try:
                with contextlib.closing(self._connected()) as connection:
                    if is_lost:
                        log.info("notifications of the other processes are received again")
                    retry_s, is_lost = FIRST_RETRY_S, False
                    self._call("a gap", self._on_gap)
                    self._listen(connection)
            except (psycopg.Error, OSError, ValueError) as error:
                if not is_lost:
                    log.warning("connection of the notifications lost; trying again", extra={"error": _short(error)})
                is_lost = True
            except BaseException:  # without this thread the process would get no notification any more
                log.exception("listening failed")
            self._waker.wait(retry_s)
            retry_s = min(retry_s * 2, MAX_RETRY_S)
        self._waker.close()

    def _connected(self) -> psycopg.Connection[Any]:
        connection = connect(self._location, "listener")
        try:
            for channel in self._handlers:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        except BaseException:
            connection.close()
            raise
        return connection

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        """Pass notifications on, until the end or an error of the connection."""
        quiet_since = time.monotonic()
        while not self._closing.is_set():
            received = list(connection.notifies(timeout=0))
            for notice in received:
                self._pass_on(notice)
            if received:
                quiet_since = time.monotonic()
                continue  # there may be more that the connection has read already
            if self._waker.wait(CHECK_INTERVAL_S, connection.fileno()):
                continue
            if time.monotonic() - quiet_since >= CHECK_INTERVAL_S:
                connection.execute("SELECT 1")
                quiet_since = time.monotonic()

    def _pass_on(self, notice: psycopg.Notify) -> None:
        handler = self._handlers.get(notice.channel)
        if handler is not None:
            self._call(notice.channel, lambda: handler(notice.payload))

    def _call(self, subject: str, action: Callable[[], None]) -> None:
        try:
            action()
        except BaseException:  # even SystemExit
            log.exception("a notification's handling failed", extra={"channel": subject})


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
