"""All that a soak was given and has asked for: tasks by their ids, refused prompts, statuses; and what was found wrong."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from ..tests.client import Record
from ._outages import Outages
from ._reckoning import Given

REFUSALS = (503, 507)
SAME_EVER_AFTER = ("task_id", "task_status", "req_params", "in_queue_mills", "start_mills", "finish_mills", "source")


@dataclass
class Asked(Given):
    """A task, who asked for it (the name of a key) and with which fields. `lock` is for who controls or audits it."""

    owner: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)
    record: Record | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Ledger:
    """Written by all visitors at once."""

    def __init__(self, outages: Outages) -> None:
        self.outages = outages
        self.given: dict[str, Asked] = {}
        self.refused: set[str] = set()
        self.overheard: dict[str, str] = {}
        """Task id → a key with which something was heard of it."""
        self.done: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.problems: list[str] = []
        self._asked: defaultdict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()

    def give(self, task_id: str, owner: str, fields: dict[str, Any]) -> None:
        """A task's id was given out."""
        with self._lock:
            if task_id in self.given:
                self.problems.append(f"task {task_id} was given out twice")
            asked = self._asked[task_id]
            self.given[task_id] = Asked(fields["image_number"], asked, owner=owner, fields=fields)

    def ask(self, task_id: str, what: str) -> None:
        """Something is about to be done to a task, whose id perhaps nobody has been given yet."""
        with self._lock:
            self._asked[task_id].add(what)

    def count(self, what: str) -> None:
        """It was done once more."""
        with self._lock:
            self.done[what] += 1

    def answered(self, response: requests.Response, *expected: int) -> bool:
        """Whether it has one of these statuses. Where an outage excuses it, it may be a refusal instead.

        Raises:
            AssertionError: it is something else.
        """
        if response.status_code in expected:
            return True
        excuse = self.outages.excuse()
        what = f"{response.request.method} {response.request.url}: {response.status_code} {response.content[:1000]!r}"
        assert response.status_code in REFUSALS and excuse is not None, what
        assert response.headers["content-type"] == "application/problem+json" and response.json()["detail"], what
        with self._lock:
            self.refusals[f"{excuse}: {response.status_code}"] += 1
        return False

    @contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """What is wrong is written down, and everything goes on."""
        try:
            yield
        except Exception as error:
            self.problems.append(f"{what}: {type(error).__name__}: {error}"[:3000])
