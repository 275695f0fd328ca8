"""Record of a soak: tasks by their ids, refused prompts, response statuses, and violations."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from ..support.client import Record
from .invariants import SubmittedTask
from .outages import Outages

REFUSALS = (503, 507)
FOREIGN_PATHS = ("/v1/images", "/v1/models", "/v1/generation", "/v2/generation", "/sdapi", "/mcp")
"""Paths whose errors have the form of another program."""


@dataclass
class OwnedTask(SubmittedTask):
    """A task with its owner (the name of a key) and its fields. `lock` is for controlling or auditing it."""

    owner: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)
    record: Record | None = None
    is_gone: bool = False
    """Set once the auditor has found it deleted."""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Ledger:
    """The record of a soak. All visitors write it concurrently."""

    def __init__(self, outages: Outages) -> None:
        self.outages = outages
        self.given: dict[str, OwnedTask] = {}
        self.refused: dict[str, str] = {}
        """Prompt of a refused request → the answer."""
        self.overheard: dict[str, str] = {}
        """Task id → the source that records and events have shown for it."""
        self.done: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.problems: list[str] = []
        self._asked: defaultdict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()

    def give(self, task_id: str, owner: str, fields: dict[str, Any]) -> None:
        """Record the id of an accepted task."""
        with self._lock:
            if task_id in self.given:
                self.problems.append(f"task {task_id} was assigned twice")
            asked = self._asked[task_id]
            self.given[task_id] = OwnedTask(fields["image_number"], asked, owner=owner, fields=fields)

    def ask(self, task_id: str, what: str) -> None:
        """Record an action on a task before it is requested. The id may not have been returned to its client yet."""
        with self._lock:
            self._asked[task_id].add(what)

    def count(self, what: str) -> None:
        """Count an action."""
        with self._lock:
            self.done[what] += 1

    def answered(self, response: requests.Response, *expected: int) -> bool:
        """Return whether the response has an expected status; False for a refusal that an outage excuses.

        Raises:
            AssertionError: it is any other response.
        """
        if response.status_code in expected:
            return True
        excuse = self.outages.excuse()
        what = f"{response.request.method} {response.request.url}: {response.status_code} {response.content[:1000]!r}"
        assert response.status_code in REFUSALS and excuse is not None, what
        assert response.json().get("error") or response.json()["detail"], what
        if urlsplit(str(response.url)).path.startswith(FOREIGN_PATHS):
            assert "json" in response.headers["content-type"], what
        else:
            assert response.headers["content-type"] == "application/problem+json", what
        with self._lock:
            self.refusals[f"{excuse}: {response.status_code}"] += 1
        return False

    def assert_may_fail(self, task_id: str, response: requests.Response, answer: str = "") -> None:
        """Check that a task without images was stopped by a request, or has met an outage."""
        excused = self.outages.excuse() is not None or self._asked[task_id] & {"stop", "skip", "delete"}
        assert excused, f"task {task_id}: {response.status_code} {answer or response.text[:1000]}"

    def refuse(self, fields: dict[str, Any], response: requests.Response) -> None:
        """Record a refused request: no task has its prompt."""
        text = f"{response.request.method} {response.request.url}: {response.status_code} {response.text[:500]}"
        self.refused[fields["prompt"]] = text

    def unknown_of(self, rows: dict[str, str]) -> set[str]:
        """Check that no request became two tasks and no refused one is there. Return the ids that no client has received.

        Args:
            rows: id → prompt of all tasks that are left.
        """
        prompts = [given.fields["prompt"] for given in self.given.values() if "again" not in given.fields]
        unknown = rows.keys() - self.given.keys()
        prompts += [rows[task_id] for task_id in unknown]
        twice = [prompt for prompt, number in Counter(prompts).items() if number > 1]
        assert not twice, f"requests that became two tasks: {twice}"
        there = {task_id: self.refused[prompt] for task_id, prompt in rows.items() if prompt in self.refused}
        assert not there, f"refused tasks are there: {there}"
        return unknown

    @contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """Record any exception of the `with` block as a violation, and continue."""
        try:
            yield
        except Exception as error:
            if isinstance(error, self.outages.broken()):
                self.count("connections that an outage broke")
                return
            self.problems.append(f"{what}: {type(error).__name__}: {error}"[:3000])
