"""Task lists under concurrent changes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from fooocus_api.db.repository import READERS
from fooocus_api.tasks.history.queries import Filter
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.fakes.simulation import World

ALL = ("history", "current", "pending")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_one_that_starts_or_ends_meanwhile_is_in_one_list(world: World) -> None:
    ids = [world.run(world.services.submissions.submit({"prompt": "a"})).task.task_id for _ in range(2)]
    world.machine.start()
    world.settle()
    gate = threading.Event()
    readers = [world.repository.submit_read(lambda: gate.wait(60)) for _ in range(READERS)]

    async def lists_of_a_moment() -> list[list[str]]:
        """Return the lists; the history is read after the first task has ended and the second has begun."""
        with patch.object(world.repository, "submit_read", wraps=world.repository.submit_read) as submit_read:
            lists = asyncio.ensure_future(world.services.history.lists(ALL, Filter(), 0, 100))
            await asyncio.to_thread(wait_for, lambda: submit_read.called, "the lists to wait for a reader")
        world.machine.save(reported=True)
        world.machine.end(None, grid=False, forgets=False, twice=False)
        world.machine.start()
        await asyncio.to_thread(world.bus.settle)
        gate.set()
        return [[task.task_id for task in page.tasks] for page in await lists]

    assert world.run(lists_of_a_moment()) == [ids[:1], [], ids[1:]]
    assert all(reader.result(60) for reader in readers)
    history, current, pending = world.run(world.services.history.lists(ALL, Filter(), 0, 100))
    assert (history.total, current.total, pending.total) == (1, 1, 0)


@pytest.fixture
def patient_world() -> Iterator[World]:
    world = World(end_write_timeout_s=60)
    yield world
    world.close()


def test_a_click_is_listed_with_its_row_and_not_before(patient_world: World) -> None:
    world = patient_world
    world.hold()
    with patch.object(world.repository, "write", wraps=world.repository.write) as write:
        world.machine.click("0" * 32)
        wait_for(lambda: write.called, "the click's row to be on its way")
    _, _, pending = world.run(world.services.history.lists(ALL, Filter(), 0, 100))
    assert pending.tasks == []
    world.release()
    _, _, pending = world.run(world.services.history.lists(ALL, Filter(), 0, 100))
    assert [task.task_id for task in pending.tasks] == ["0" * 32] and pending.tasks[0].id > 0
