"""Queue position and ETA of a task in each of its states."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.adapters.task_args.workload_fields import workload_of
from fooocus_api.tasks.model.outlook import Outlook
from fooocus_api.tasks.model.task import Task, TaskStatus
from fooocus_api.tasks.model.workload.workload import Workload
from fooocus_api.tasks.queue.estimator import Estimator
from fooocus_api.tests.support.fakes.simulation import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_a_task_that_the_worker_has_taken_is_the_next_until_its_start_is_told(world: World) -> None:
    first, second = (
        world.run(world.services.submissions.submit({"prompt": name})).task for name in ("first", "second")
    )
    world.settle()
    assert [world.services.eta.outlook(task).queue_position for task in (first, second)] == [0, 1]
    world.machine.queue.remove(first.task_id)
    world.machine.current = first.task_id
    assert [world.services.eta.outlook(task).queue_position for task in (first, second)] == [0, 0]
    world.machine.queue.insert(0, first.task_id)
    world.machine.current = None
    world.machine.start()
    world.settle()
    assert first.status is TaskStatus.PENDING  # the state at the time of the look-up
    assert world.services.eta.outlook(first).queue_position == 0
    assert world.services.eta.outlook(world.run(world.services.tasks.get(first.task_id))).queue_position is None


def test_a_task_is_given_out_as_it_was_accepted_however_quick_the_worker_is(world: World) -> None:
    enqueue = world.machine.enqueue

    def begun_at_once(task: Task, workload: Workload) -> None:
        enqueue(task, workload)
        world.machine.start()
        world.bus.settle()
        assert task.status is TaskStatus.RUNNING

    world.machine.enqueue = begun_at_once  # type: ignore[method-assign]
    task = world.run(world.services.submissions.submit({"prompt": "quick"})).task
    assert (task.status, task.started_at) == (TaskStatus.PENDING, -1)


def test_nobody_can_tell_where_a_task_stands_that_is_not_in_the_queue(world: World) -> None:
    elsewhere = Task("0" * 32, "api", {})
    assert world.services.eta.outlook(elsewhere) == Outlook(None, None)


def test_time_left_of_the_very_first_task_is_told_by_its_steps() -> None:
    now = 100.0
    estimator = Estimator(clock=lambda: now)
    task = Task("0" * 32, "api", {}, status=TaskStatus.RUNNING)
    estimator.on_started(task.task_id, workload_of({"aspect_ratios_selection": "1000*1000"}, lambda performance: 10))
    assert estimator.remaining(task) is None
    now += 60  # the time to load the model
    for step in range(1, 10):
        task.progress = 10 + 9 * step
        estimator.on_step(task.task_id, task.progress)
        left = estimator.remaining(task)
        if step == 1:
            assert left is None  # no step has been timed yet
        else:
            assert left == pytest.approx(2.0 * (10 - step))
        now += 2


def drawn(estimator: Estimator, clock: list[float], begin: float, images: int = 1, **parameters: object) -> None:
    """Simulate a task that begins to generate after `begin` seconds, takes ten steps of two seconds and one second to finish."""
    task_id = "1" * 32
    estimator.on_started(task_id, workload_of({"base_model_name": "a", **parameters}, lambda performance: 10))
    clock[0] += begin
    for number in range(10):
        estimator.on_step(task_id, 10 * number)
        clock[0] += 2 if number < 9 else 1
    estimator.on_ended(task_id, images)


def test_what_was_unloaded_has_to_be_loaded() -> None:
    clock = [100.0]
    estimator = Estimator(clock=lambda: clock[0])
    workload = workload_of({"base_model_name": "a"}, lambda performance: 10)
    drawn(estimator, clock, begin=1)  # the host had already loaded its checkpoint
    assert estimator.seconds(workload, estimator.loaded) == pytest.approx(1 + 18 + 1)
    estimator.on_unloaded()
    drawn(estimator, clock, begin=30)
    assert estimator.seconds(workload, estimator.loaded) == pytest.approx(1 + 18 + 1)
    assert estimator.seconds(workload, None) == pytest.approx(30 + 18 + 1)


def test_an_image_grid_is_no_image_that_was_asked_for() -> None:
    clock = [100.0]
    estimator = Estimator(clock=lambda: clock[0])
    drawn(estimator, clock, begin=1, images=2)
    assert estimator.step_seconds()
