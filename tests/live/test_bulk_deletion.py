"""A deletion of many tasks that change after they were read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.tasks.service import UnknownTask, WrongStatus
from fooocus_api.tests.support.fakes.simulation import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def submitted(world: World) -> str:
    return world.run(world.services.submissions.submit({"prompt": "one of many"})).task.task_id


def test_a_task_that_has_ended_since_is_deleted_and_one_that_runs_is_not(world: World) -> None:
    bulk = world.services.control.bulk
    ran, started, deleted = (submitted(world) for _ in range(3))
    world.machine.start()
    world.settle()
    seen = world.run(bulk.find([ran, started, deleted]))
    assert [task.status.value for task in seen.values()] == ["running", "pending", "pending"]
    world.machine.end(None, grid=False, forgets=False, twice=False)
    world.machine.start()
    assert world.machine.withdraw(deleted)
    world.settle()
    world.run(world.services.tasks.delete(deleted))
    outcomes = world.run(bulk.delete(list(seen.values())))
    assert outcomes[ran] == "deleted" and set(world.rows()) == {started}
    assert isinstance(outcomes[started], WrongStatus)
    assert str(outcomes[started]) == f"task {started} is running; stop it first"
    assert isinstance(outcomes[deleted], UnknownTask)
