"""One process of a cluster with the real services around a machine that generates nothing. Run by `processes.py`."""

from __future__ import annotations

import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from fooocus_api.auth.keys import KeyQuota
from fooocus_api.auth.rate_limit import LimitReached
from fooocus_api.db.membership import Membership
from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.changes import settings, tags
from fooocus_api.db.statements.filters import Filter
from fooocus_api.db.statements.sources import client_options, usage
from fooocus_api.images.storage.file_journal import FileJournal
from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.tasks.build import TaskOptions, build_task_services
from fooocus_api.tasks.duty import Duty
from fooocus_api.tasks.model.task import TERMINAL_STATUSES, Task, new_task_id
from fooocus_api.tasks.storage.stored_order import StoredOrder
from fooocus_api.tests.support.fakes.fake_engine import CountingBus, Machine

UNLIMITED = KeyQuota()
PARAMETERS = {"prompt": "a cat", "image_number": 1}


class Member:
    """The process: it does one job, whose result it prints as JSON."""

    def __init__(self, location: str, name: str, folder: Path, max_pending: int | None = None) -> None:
        self.repository = Repository(location, Membership(name))
        bus, journal = CountingBus(), FileJournal(folder / "unfinished")
        machine = Machine(bus, journal, folder)
        options = TaskOptions(max_pending=max_pending, duty=Duty(is_mine=False))
        inputs = InputStore(folder / "inputs")
        services = build_task_services(machine, self.repository, bus, journal, inputs, options=options)
        self.submissions = services.submissions
        self.order = StoredOrder(self.repository)
        self.random = random.Random(name)

    def offer(self, key: str | None = None, source: str = "api", within: KeyQuota = UNLIMITED) -> Future[Task]:
        task = Task(new_task_id(), source, dict(PARAMETERS), idempotency_key=key, fingerprint=key and "same")
        return self.submissions.offer(task, "", within)

    def live(self, seconds: float) -> dict[str, Any]:
        """Submit, start, end, tag, move and delete tasks of all processes until the time is over, many changes at once."""
        waiting: list[Future[Any]] = []
        until, problems, write = time.monotonic() + seconds, set(), self.repository.write
        while time.monotonic() < until:
            waiting += [self.offer() for _ in range(3)]
            known = self.repository.read(lambda: self.repository.task_ids(Filter(), 500))
            for task_id in self.random.sample(known, min(8, len(known))):
                change = partial(self.repository.update, task_id, unless=TERMINAL_STATUSES)
                status = self.random.choice(("running", "running", "finished", "stopped"))
                waiting.append(write(partial(change, {"status": status}), retry=status == "running"))
            for task_id in self.random.sample(known, min(2, len(known))):
                waiting.append(write(partial(tags.change_tags, task_id, lambda before: [*before, new_task_id()[:3]])))
            for task_id in self.random.sample(known, min(1, len(known))):
                waiting.append(write(partial(self.repository.delete, task_id)))
            if self.random.random() < 0.2:  # rarely, as a move keeps the others waiting
                waiting.append(self.order.put_first(self.random.sample(known, min(4, len(known)))))
            waiting.append(write(partial(settings.set_value, "any", self.random.choice(("1", None)))))
            options = {name: self.random.choice((1, 2, None)) for name in self.random.sample("abcd", 2)}
            waiting.append(write(partial(client_options.set_options, "api", "any", options)))
            waiting.append(write(partial(usage.ask_for_images, "api", 20_000, 1)))
            problems.add(self.repository.problem)
            while len(waiting) > 60:
                waiting.pop(0).result(60)
        errors = Counter(str(future.exception(60)) for future in waiting if future.exception(60) is not None)
        problems.add(self.repository.problem)
        return {
            "errors": errors,
            "problems": [problem for problem in problems if problem],
            "shard": self.repository.shard,
        }

    def same(self, keys: list[str]) -> list[str]:
        """Submit a task with each of these idempotency keys, and return the ids of the tasks that answer."""
        return [self.offer(key).result(60).task_id for key in keys]

    def tag(self, key: str, number: int) -> str:
        """Add this number of tags to the task with an idempotency key, one change each, and return its id."""
        task_id = self.offer(key).result(60).task_id
        for tag in [f"tag-{self.repository.shard}-{index}" for index in range(number)]:
            self.repository.write(partial(tags.change_tags, task_id, partial(_with_tag, tag))).result(60)
        return task_id

    def limited(self, number: int, source: str, within: dict[str, int]) -> list[str | None]:
        """Submit tasks, and return for each its id, or None if a limit refuses it."""
        futures = [self.offer(source=source, within=KeyQuota(**within)) for _ in range(number)]
        return [None if _is_refused(future) else future.result().task_id for future in futures]


def _with_tag(tag: str, before: Sequence[str]) -> list[str]:
    return [*before, tag]


def _is_refused(future: Future[Task]) -> bool:
    return isinstance(future.exception(60), LimitReached)


class Conflicts(logging.Handler):
    """Counts the conflicts with other processes."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.number += record.msg.startswith("conflict")


def main() -> None:
    """Do the jobs that come in, each a line of JSON, once another line follows."""
    (name,) = sys.argv[1:]
    log, conflicts = logging.getLogger("fooocus_api.db"), Conflicts()
    log.setLevel(logging.DEBUG)
    log.addHandler(conflicts)
    while line := sys.stdin.readline():
        location, job, values = json.loads(line)
        with tempfile.TemporaryDirectory() as folder:
            member = Member(location, name, Path(folder), values.pop("max_pending", None))
            does: tuple[Callable[..., Any], ...] = (member.live, member.same, member.tag, member.limited)
            jobs = {each.__name__: each for each in does}
            print("ready", flush=True)
            sys.stdin.readline()
            answer = jobs[job](**values)
            print(json.dumps({"answer": answer, "conflicts": conflicts.number}), flush=True)
            member.repository.close()
