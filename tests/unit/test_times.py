"""Timestamps of a record when the disk writes them late."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.tasks.model.task import now_ms
from fooocus_api.tests.support.fakes.simulation import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_times_are_the_workers_while_nothing_can_be_written(world: World) -> None:
    ids = [world.run(world.services.submissions.submit({"prompt": "a"})).task.task_id for _ in range(3)]
    world.hold()
    moments = []
    for _ in ids:
        before = now_ms()
        world.machine.start()
        world.machine.save(reported=True)
        world.machine.end(None, grid=False, forgets=False, twice=False)
        moments.append((before, now_ms()))
    world.bus.settle()  # each end has waited for the disk until its timeout
    world.release()
    rows = world.rows()
    for task_id, (before, after) in zip(ids, moments, strict=True):
        assert before <= rows[task_id]["started_at"] <= rows[task_id]["finished_at"] <= after


def test_a_click_was_queued_before_it_was_started(world: World) -> None:
    world.hold()
    before = now_ms()
    for task_id in ("0" * 32, "1" * 32):
        world.machine.click(task_id)
        world.machine.start()
        world.machine.end(None, grid=False, forgets=False, twice=False)
    after = now_ms()
    world.bus.settle()
    world.release()
    for row in world.rows().values():
        assert before <= row["queued_at"] <= row["started_at"] <= row["finished_at"] <= after
