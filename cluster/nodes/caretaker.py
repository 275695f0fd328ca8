"""The caretaker, one process of the cluster: it recovers the tasks of dead nodes, and has the duties of one process alone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from ...db.writer import DatabaseUnavailable
from .recovery import NodeRecovery
from .registry import Registry

log = logging.getLogger("fooocus_api.cluster")

CARETAKER_LOCK = 0x666F6F80
"""Advisory lock of the caretaker's connection: it is free again when the connection ends."""
APPLICATION = "fooocus-api caretaker"
"""Beginning of the name of the caretaker's connection, which ends with the name of the process."""
TRY_S = 5.0
"""Seconds between two tries to become the caretaker, and between two rounds of it."""
FOLD_S = 3600.0
"""Seconds between two folds of the daily counts."""
REPAIR_S = 60.0
"""Seconds between two checks of the tasks' rows against the jobs."""


class Caretaker:
    """Tries to be the caretaker as long as the process lives. A thread with a connection of its own, which holds the lock."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]],
        registry: Registry,
        recovery: NodeRecovery,
        duty: Callable[[bool], None],
        look: Callable[[], None],
        is_steady: Callable[[], bool],
    ) -> None:
        """Store the dependencies.

        Args:
            connect: opens a connection in autocommit mode.
            duty: is called with True when this process becomes the caretaker, and with False when another one may.
            is_steady: returns whether this process's own heartbeats came in time lately. If they did not, as after a database
                that hung, those of others are late for the same reason.
            look: has the parts with a duty look for what another process has made due.
        """
        self._connect = connect
        self._registry = registry
        self._recovery = recovery
        self._duty = duty
        self._look = look
        self._is_steady = is_steady
        self._connection: psycopg.Connection[Any] | None = None
        self._checked_at = 0.0
        self._folded_at = 0.0
        self._is_mine = False
        self._is_closing = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fooocus-api-caretaker", daemon=True)

    def start(self) -> None:
        """Start to try."""
        self._thread.start()

    def wake(self) -> None:
        """Look soon for what another process has made due. Any thread; does nothing in other processes than the caretaker."""
        if self._is_mine:
            self._wake.set()

    def close(self, within_s: float | None = None) -> None:
        """Give the duty up, so that another process has it at its next try."""
        self._is_closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        pause = min(TRY_S, self._registry.timeout_s / 3)
        while not self._is_closing:
            self._wake.clear()
            try:
                if self._holds_lock():
                    self._round()
            except psycopg.Error as error:
                self._lose(str(error))
            except DatabaseUnavailable as error:
                log.warning("round of the caretaker not finished", extra={"reason": str(error)})
            except Exception:
                log.exception("round of the caretaker failed")
            self._wake.wait(pause)
        self._lose("this process ends")

    def _holds_lock(self) -> bool:
        if self._connection is None:
            self._connection = self._connect()
        if self._is_mine:
            self._connection.execute("SELECT 1")  # raises if the connection, and with it the lock, is gone
            return True
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (CARETAKER_LOCK,)).fetchone()
        if row is not None and not row[0]:
            self._relieve(self._connection)
        if row is not None and row[0]:
            self._is_mine = True
            log.info("this process is the caretaker", extra={"node": self._registry.name})
            self._duty(True)
        return self._is_mine

    def _relieve(self, connection: psycopg.Connection[Any]) -> None:
        """End the connection of a caretaker that has no heartbeat any more: a process that hangs keeps its lock."""
        ended = connection.execute(
            "SELECT pg_terminate_backend(held.pid), known.name FROM pg_locks AS held "
            "JOIN pg_stat_activity AS activity USING (pid) "
            "JOIN cluster_node AS known ON activity.application_name = %s || known.name "
            "WHERE held.locktype = 'advisory' AND held.objid = %s AND held.granted "
            "AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND known.seen_at < extract(epoch FROM clock_timestamp()) * 1000 - known.timeout_ms",
            (f"{APPLICATION} ", CARETAKER_LOCK),
        ).fetchall()
        for _, name in ended:
            log.warning("caretaker without a heartbeat relieved", extra={"node": name})

    def _lose(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        if self._is_mine:
            self._is_mine = False
            log.info("this process is the caretaker no longer", extra={"reason": reason})
            self._duty(False)
        if connection is not None:
            connection.close()

    def _round(self) -> None:
        self._look()
        self._recovery.end_stopped()
        if self._is_steady():
            self._recovery.recover_lost(self._registry.timeout_s)
        if time.monotonic() - self._checked_at >= REPAIR_S:
            self._checked_at = time.monotonic()
            self._recovery.repair_jobs()
        if time.monotonic() - self._folded_at >= FOLD_S:
            self._folded_at = time.monotonic()
            self._recovery.tidy()
