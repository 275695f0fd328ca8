"""The heartbeats of a process, and what it looks after with each: tasks that are to be stopped, and claims without an owner."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ...db.locks import RANKS
from ...db.repository import Repository
from ...db.writer import DatabaseUnavailable
from ..jobs.task_jobs import TaskJobs
from .registry import NodeFacts, Registry

log = logging.getLogger("fooocus_api.cluster")


LATE = 0.6
"""Part of the timeout after which a heartbeat is late: it is due after a third of it."""
CLOSE_S = 5.0


class Heartbeat:
    """Writes a heartbeat each third of the timeout, so that one that is late kills no node."""

    def __init__(
        self,
        repository: Repository,
        registry: Registry,
        jobs: TaskJobs,
        facts: Callable[[], NodeFacts],
        stop: Callable[[str], object],
        look: Callable[[], None] = lambda: None,
    ) -> None:
        """Write the heartbeats of this process.

        Args:
            facts: returns what this process writes about itself.
            stop: stops a task that runs here.
            look: looks at the other processes, after each of them.
        """
        self._repository = repository
        self._registry = registry
        self._jobs = jobs
        self._claims = jobs.claims
        self._facts = facts
        self._stop = stop
        self._look = look
        self._orphans: set[str] = set()
        self._strays: set[str] = set()
        self._written_at = time.monotonic()
        self._steady_from = self._written_at
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fooocus-api-heartbeat", daemon=True)

    def start(self) -> None:
        """Start to write them."""
        self._thread.start()

    def close(self) -> None:
        """Write no more, once one that is being written is done."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def is_steady(self) -> bool:
        """Return whether the heartbeats came in time for the length of the timeout, or since the start."""
        now = time.monotonic()
        return now - self._written_at < self._registry.timeout_s / 2 and now >= self._steady_from

    def _run(self) -> None:
        while not self._closing.wait(self._registry.timeout_s / 3):
            try:
                self._write()
            except DatabaseUnavailable as error:
                log.warning("heartbeat not written", extra={"reason": str(error)})
            except Exception:
                log.exception("heartbeat failed")

    def _write(self) -> None:
        facts = self._facts()
        self._repository.write(lambda: self._registry.record_heartbeat(facts)).result()
        now, before = time.monotonic(), self._written_at
        if now - before > self._registry.timeout_s * LATE:
            self._steady_from = now + self._registry.timeout_s / 2
        self._written_at = now
        self._registry.known(self._repository.read)  # for those that must not read themselves
        held, to_stop = self._repository.read(lambda: (self._jobs.held(), self._jobs.to_stop()))
        for task_id in to_stop:
            self._stop(task_id)
        strays = set(self._claims.task_ids()) - set(held)
        for task_id in strays & self._strays:  # seen twice: a claim may be on its way to the database
            log.warning("task stopped that another node has by now", extra={"task_id": task_id})
            self._stop(task_id)
        self._strays = strays
        orphans = set(held) - set(self._claims.task_ids())
        for task_id in orphans & self._orphans:  # seen twice: a claim may be on its way to this process
            log.warning("claim without an owner put back", extra={"task_id": task_id})
            self._repository.write(lambda one=task_id: self._jobs.give_back(one), locks=(RANKS,)).result()  # type: ignore[misc]
        self._orphans = orphans
        self._look()
