"""The choice of a free node, made in the database, against the scheduler's in memory: the same for the same tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from fooocus_api.cluster.claim.candidates import read_candidates, write_turn
from fooocus_api.cluster.claim.chooser import Choice, NodeModels, Rules, choose
from fooocus_api.cluster.jobs.schema import install_schema
from fooocus_api.cluster.jobs.task_jobs import Claims, TaskJobs
from fooocus_api.db.locks import CLAIM
from fooocus_api.db.membership import Membership
from fooocus_api.db.repository import Repository
from fooocus_api.tasks.model.rows import to_row
from fooocus_api.tasks.model.task import Task, TaskStatus, new_task_id
from fooocus_api.tasks.model.workload.workload import ModelNeeds, Workload
from fooocus_api.tasks.queue.scheduler import QueueEntry, Scheduler
from fooocus_api.tasks.storage.stored_order import StoredOrder
from fooocus_api.tests.support.databases.postgres import PostgresServer

MODELS = ("a", "b", "c")
FILES = (*MODELS, "unused", "no text \udcff")
"""The files of a node, one with a name that a folder on Linux may have."""
SOURCES = ("flood", "shop", "bot")
OVERTAKES = 2
Step = tuple[Any, ...]

adds = st.tuples(st.just("add"), st.sampled_from(SOURCES), st.sampled_from((0, 0, 0, 1)), st.sampled_from(MODELS))
others = st.tuples(st.sampled_from(("claim", "claim", "claim", "first", "last", "withdraw")), st.integers(0, 30))


class Queues:
    """The same tasks in the queue of a cluster and in a scheduler."""

    def __init__(self, repository: Repository, rules: Rules) -> None:
        self._repository = repository
        self._rules = rules
        self._jobs = TaskJobs(repository.database, "node-1", Claims())
        self._order = StoredOrder(repository)
        self._scheduler = Scheduler(rules.fifo, rules.max_overtakes, rules.max_overtake_s)
        self._waiting: dict[str, tuple[Task, QueueEntry]] = {}
        repository.write(lambda: install_schema(repository.database)).result()
        repository.write(self._empty).result()

    def _empty(self) -> None:
        self._repository.database.execute_sql(
            "DELETE FROM procrastinate_jobs; DELETE FROM source_turn; DELETE FROM task"
        )
        self._jobs.register()

    def do(self, step: Step) -> None:
        what, *values = step
        if what == "add":
            self._add(*values)
        elif what == "claim":
            self.claim()
        elif self._waiting:
            task, entry = list(self._waiting.values())[values[0] % len(self._waiting)]
            self._move(what, task, entry)

    def _add(self, source: str, priority: int, model: str) -> None:
        task = Task(new_task_id(), source, {})
        workload = Workload(ModelNeeds((model, "None")), priority=priority)

        def change() -> None:
            task.rank = self._repository.insert(to_row(task, workload))
            self._jobs.accepted(task, workload)

        self._repository.write(change).result()
        entry = QueueEntry(task.task_id, source, priority, needs=workload.needs, task_id=task.task_id)
        self._scheduler.add(entry)
        self._waiting[task.task_id] = task, entry

    def _move(self, what: str, task: Task, entry: QueueEntry) -> None:
        self._scheduler.discard(entry)
        if what == "withdraw":
            self._repository.write(lambda: self._end(task.task_id)).result()
            del self._waiting[task.task_id]
            return
        is_first = what == "first"
        moved = QueueEntry(
            entry.key, entry.source, entry.priority, is_first, not is_first, entry.needs, task_id=task.task_id
        )
        if is_first:
            self._order.put_first([task.task_id]).result()
            self._scheduler.add_first(moved)
        else:
            self._order.put_last(task).result()
            self._scheduler.add(moved)
        self._waiting[task.task_id] = task, moved

    def _end(self, task_id: str) -> None:
        assert self._jobs.withdraw(task_id)
        self._repository.update(task_id, {"status": TaskStatus.STOPPED.value})
        self._jobs.ended(task_id)

    def claim(self) -> str | None:
        """Claim the next task in both, and check that it is the same."""
        loaded = self._scheduler.loaded

        def change() -> tuple[Choice, float]:
            candidates = read_candidates(self._repository.database, FILES, fifo=self._rules.fifo)
            choice = choose(candidates, self._rules, NodeModels(loaded), patient=True)
            entry = choice.entry
            if entry is not None and entry.task_id is not None:
                assert self._jobs.claim(entry.task_id, 1) is not None
                write_turn(
                    self._repository.database,
                    entry.source,
                    entry.priority,
                    choice.overtaking,
                    self._rules.max_overtakes,
                )
            return choice, candidates.now

        choice, now = self._repository.write(change, locks=(CLAIM,)).result()
        expected = self._scheduler.next(now)
        found = choice.entry.task_id if choice.entry is not None else None
        assert found == (expected.task_id if expected is not None else None)
        if expected is not None and expected.task_id is not None:
            self._scheduler.discard(expected)
            del self._waiting[expected.task_id]
        return found


@pytest.fixture(scope="module")
def repository(durable_postgres: PostgresServer) -> Iterator[Repository]:
    found = Repository(durable_postgres.new_database(), Membership("node-1"))
    yield found
    found.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.lists(adds, min_size=1, max_size=9),
    steps=st.lists(st.one_of(adds, others), max_size=14),
    fifo=st.just(False),
)
def test_a_claim_is_what_the_scheduler_picks(
    repository: Repository, first: list[Step], steps: list[Step], fifo: bool
) -> None:
    queues = Queues(repository, Rules(fifo, OVERTAKES))
    for step in [*first, *steps]:
        queues.do(step)
    while queues.claim() is not None:
        pass


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(adds, others), max_size=20))
def test_a_claim_in_the_order_of_arrival(repository: Repository, steps: list[Step]) -> None:
    queues = Queues(repository, Rules(fifo=True))
    for step in steps:
        queues.do(step)
    while queues.claim() is not None:
        pass
