"""Random sequences of events: no task is lost, ends twice or is reported in a wrong state.

Hypothesis moves a `World`; a crash keeps the disk of that moment and starts new services on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from fooocus_api.tasks.history.queries import Filter
from fooocus_api.tasks.history.retention import RetentionPolicy
from fooocus_api.tasks.model.task import TaskError, TaskStatus, new_task_id
from fooocus_api.tasks.ports.engine import ParameterError
from fooocus_api.tasks.queue.submission import Idempotency, IdempotencyConflict
from fooocus_api.tasks.service import UnknownTask, WrongStatus
from fooocus_api.tests.support.databases.transitions import ended, reachable
from fooocus_api.tests.support.fakes.simulation import World

Rows = dict[str, dict[str, Any]]

WHICH = st.integers(0, 30)
"""Index of an existing task, modulo their number."""
STEPS = st.lists(st.sampled_from(["save", "cut off", "progress"]), max_size=3)
"""Actions of a worker on a task that concern the disk."""


class Lifecycle(RuleBasedStateMachine):
    """`ids` holds the tasks that were accepted and not deleted since, in the expected order of execution."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.ids: list[str] = []
        self.clicked: set[str] = set()
        self.keys: dict[str, tuple[str, str]] = {}
        self.seen: Rows = {}
        self.recovered = False

    def teardown(self) -> None:
        self.world.close()

    def pick(self, which: int) -> str:
        rows = self.world.rows()
        known = sorted(self.ids, key=lambda task_id: rows[task_id]["id"])
        return known[which % len(known)]

    def unfinished(self, *, drawable: bool = False) -> bool:
        machine = self.world.machine
        return bool(machine.queue or machine.current or (self.world.held and not drawable))

    def forget(self, task_id: str) -> None:
        self.ids.remove(task_id)
        self.seen.pop(task_id, None)
        self.keys = {key: value for key, value in self.keys.items() if value[0] != task_id}

    # --------------------------------------------------------- actions of clients

    @precondition(lambda self: not self.world.held)
    @rule(key=st.sampled_from([None, None, "one", "two"]), content=st.sampled_from(["a", "b"]), wrong=st.booleans())
    def submit(self, key: str | None, content: str, wrong: bool) -> None:
        parameters = {"prompt": content, "wrong": wrong and content == "b"}
        idempotency = Idempotency(key, content) if key else None
        earlier = self.keys.get(key) if key else None
        try:
            submission = self.world.run(self.world.services.submissions.submit(parameters, idempotency=idempotency))
        except ParameterError:
            assert parameters["wrong"]
            return
        except IdempotencyConflict:
            assert earlier is not None and earlier[1] != content
            return
        task_id = submission.task.task_id
        assert task_id in self.world.rows(), "a client received an id before it was in the database"
        assert submission.is_replay == (earlier is not None)
        if earlier is not None:
            assert earlier == (task_id, content)
            return
        self.ids.append(task_id)
        if key:
            self.keys[key] = (task_id, content)

    @precondition(lambda self: self.ids)
    @rule(which=WHICH)
    def stop(self, which: int) -> None:
        task_id = self.pick(which)
        waits, runs = task_id in self.world.machine.queue, task_id == self.world.machine.current
        assert self.world.run(self.world.services.tasks.stop(task_id)) == (waits or runs)
        if waits and not self.world.held:
            assert self.world.run(self.world.services.tasks.wait(task_id)).status is TaskStatus.STOPPED

    @precondition(lambda self: self.world.machine.current)
    @rule(which=WHICH)
    def skip(self, which: int) -> None:
        task_id = self.pick(which)
        assert self.world.services.tasks.skip(task_id) == (task_id == self.world.machine.current)

    @precondition(lambda self: self.ids and not self.world.held)
    @rule(which=WHICH)
    def move_to_front(self, which: int) -> None:
        self.move(self.pick(which))

    def move(self, task_id: str) -> None:
        waits = task_id in self.world.machine.queue
        assert self.world.run(self.world.services.control.moves.to_front([task_id])) == ({task_id} if waits else set())
        if waits:
            assert self.world.services.eta.outlooks([task_id])[task_id].queue_position == 0
            self.ids.remove(task_id)
            self.ids.insert(0, task_id)

    @precondition(lambda self: self.ids and not self.world.held)
    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        task_id = self.pick(which)
        before = self.world.rows()[task_id]
        try:
            task = self.world.run(self.world.services.tasks.delete(task_id))
        except WrongStatus:
            assert before["status"] == "running"
            return
        if before["status"] == "pending":
            assert task is not None and task.status is TaskStatus.STOPPED and task_id in self.world.rows()
            return
        assert task is None and ended(before) and task_id not in self.world.rows()
        assert not any((self.world.outputs / path).exists() for path in before["images"])
        try:
            self.world.run(self.world.services.tasks.get(task_id))
        except UnknownTask:
            self.forget(task_id)
        else:
            raise AssertionError("a deleted task is still there")

    @precondition(lambda self: not self.world.held)
    @rule(count=st.integers(2, 12))
    def prune(self, count: int) -> None:
        rows = self.world.rows()
        in_time = sorted(rows, key=lambda task_id: (rows[task_id]["queued_at"], rows[task_id]["id"]))
        old = [task_id for task_id in in_time if ended(rows[task_id])][:-count]
        assert self.world.services.retention.prune(RetentionPolicy(count=count)) == len(old)
        assert set(self.world.rows()) == set(rows) - set(old)
        for task_id in old:
            self.forget(task_id)

    # ------------------------------------------------------- actions of the worker

    @precondition(lambda self: not self.world.held and len(self.world.machine.queue) < 3)
    @rule()
    def click(self) -> None:
        task_id = new_task_id()
        self.world.machine.click(task_id)
        self.world.settle()
        self.ids.append(task_id)
        self.clicked.add(task_id)

    @precondition(lambda self: self.world.machine.queue or self.world.machine.current)
    @rule(steps=STEPS)
    def work(self, steps: list[str]) -> None:
        """Start the next task if none is running, and generate."""
        if self.world.machine.current is None:
            self.world.machine.start()
        for step in steps:
            if step == "progress":
                self.world.machine.progress(50)
            else:
                self.world.machine.save(reported=step == "save")

    @precondition(lambda self: self.world.machine.queue or self.world.machine.current)
    @rule(steps=STEPS, fails=st.booleans(), grid=st.booleans(), forgets=st.booleans(), twice=st.booleans())
    def end(self, steps: list[str], fails: bool, grid: bool, forgets: bool, twice: bool) -> None:
        self.work(steps)
        saved = {Path(path).name for path in self.world.machine.results}
        stopped = self.world.machine.stopping
        error = TaskError("ValueError", "no") if fails else None
        task_id = self.world.machine.end(error, grid=grid, forgets=forgets, twice=twice)
        if not self.world.held:
            task = self.world.run(self.world.services.tasks.wait(task_id))
            assert task.status.value == ("failed" if fails else "stopped" if stopped else "finished")
            assert task.error == error
            assert saved <= {image.path for image in task.images}, "what was saved is not listed"
            assert len(task.images) == len(saved) + (grid and not (fails and forgets))

    # ------------------------------------------------------------------ the disk

    @precondition(lambda self: not self.world.held)
    @rule()
    def hold(self) -> None:
        self.world.hold()

    @precondition(lambda self: self.world.held)
    @rule()
    def release(self) -> None:
        self.world.release()

    @precondition(lambda self: self.unfinished())
    @rule()
    def end_and_start_again(self) -> None:
        """Shut down cleanly: to every observer the running task has not begun."""
        self.world.release()
        self.world.settle()
        running = self.world.machine.current
        attempts = {task_id: row["attempts"] for task_id, row in self.world.rows().items()}
        self.world.services.close()
        rows = self.world.rows()
        if running is not None and running not in self.clicked:
            assert rows[running]["status"] == "pending" and rows[running]["attempts"] == attempts[running] - 1
        self.open([task_id for task_id in self.ids if rows[task_id]["status"] == "pending"])

    @precondition(lambda self: self.unfinished())
    @rule(deaths=st.integers(1, 3), steps=STEPS, moves=st.booleans())
    def crash(self, deaths: int, steps: list[str], moves: bool) -> None:
        """Cut the power once or more, each time during a task; writes that the disk delays are lost."""
        for _ in range(deaths):
            if self.unfinished(drawable=True):
                self.work(steps)
            if moves and not self.world.held and self.world.machine.queue:
                self.move(self.world.machine.queue[-1])
            self.world.cut_the_power()
            rows = self.world.rows()
            caught = [
                task_id for task_id in rows if rows[task_id]["status"] == "running" and rows[task_id]["attempts"] < 2
            ]
            self.ids = caught + [task_id for task_id in self.ids if task_id not in caught]
            self.open([task_id for task_id in self.ids if task_id in caught or rows[task_id]["status"] == "pending"])
            self.all_is_right()

    def open(self, expected: list[str]) -> None:
        """Start again, and check that the queue holds the expected tasks."""
        self.world.open()
        self.world.settle()
        self.recovered = True
        assert self.world.machine.queue == [task_id for task_id in expected if task_id not in self.clicked]
        claimed = list((self.world.folder / "unfinished").iterdir())
        assert not claimed, "what a dead process has claimed is dealt with"

    # ---------------------------------------------------------------- invariants

    @invariant()
    def all_is_right(self) -> None:
        self.world.settle()
        assert not self.world.complaints.said, self.world.complaints.said
        rows = self.world.rows()
        self.records_are_right(rows)
        if not self.world.held:
            self.images_are_in_one_record_each(rows)
            self.lists_are_right(rows)

    def records_are_right(self, rows: Rows) -> None:
        assert set(self.ids) == set(rows), "an id that a client received is not in the database"
        allowed = reachable(at_recovery=self.recovered)
        self.recovered = False
        for task_id, row in rows.items():
            before = self.seen.get(task_id, row)
            assert row["status"] in allowed[before["status"]], f"{before['status']} → {row['status']}"
            if ended(before):
                assert row == before, "a task that has ended has changed"
            assert row["attempts"] <= 2 and (row["finished_at"] >= row["queued_at"]) == ended(row)
            task = self.world.run(self.world.services.tasks.get(task_id))
            if not self.world.held:
                assert task.status.value == row["status"], "a task is not seen as what its row says"
                assert [image.path for image in task.images] == row["images"]
        self.seen = rows

    def images_are_in_one_record_each(self, rows: Rows) -> None:
        listed = [path for row in rows.values() for path in row["images"]]
        there = {path.name for path in self.world.outputs.iterdir()}
        assert len(listed) == len(set(listed)), "an image is listed twice"
        assert set(listed) <= there, "a record lists what is not there"
        running = self.world.machine.current or "nothing runs"
        assert all(name.startswith(running[:8]) for name in there - set(listed)), "a file without a record"

    def lists_are_right(self, rows: Rows) -> None:
        services, machine = self.world.services, self.world.machine
        pending = services.history.pending(Filter(), 0, 1000).tasks
        assert [task.task_id for task in pending] == machine.queue
        places = {task_id: outlook.queue_position for task_id, outlook in services.eta.outlooks(machine.queue).items()}
        assert places == {task_id: place for place, task_id in enumerate(machine.queue)}
        current = services.tasks.running()
        assert (current.task_id if current else None) == machine.current
        assert services.tasks.counts() == {"pending": len(pending), "running": int(current is not None)}
        page = self.world.run(services.history.ended(Filter(), 0, 1000))
        assert {task.task_id for task in page.tasks} == {task_id for task_id in rows if ended(rows[task_id])}
        assert page.total == len(page.tasks)


SETTINGS = settings(max_examples=10, stateful_step_count=40, deadline=None, derandomize=True, database=None)

TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = SETTINGS


@pytest.mark.nightly
def test_many_more_lives() -> None:
    run_state_machine_as_test(Lifecycle, settings=settings(SETTINGS, max_examples=200))
