"""Queue position and ETA of a task in each of its states."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.adapters.task_args.workload_fields import workload_of
from fooocus_api.tasks.model import events
from fooocus_api.tasks.model.active_tasks import ActiveTask
from fooocus_api.tasks.model.outlook import Outlook
from fooocus_api.tasks.model.task import Task, TaskStatus
from fooocus_api.tasks.model.workload.workload import ModelNeeds, Workload
from fooocus_api.tasks.queue.elsewhere import RunsElsewhere
from fooocus_api.tasks.queue.estimator import Estimator
from fooocus_api.tasks.queue.eta import ends_of
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


A, B = Workload(ModelNeeds(("a",))), Workload(ModelNeeds(("b",)))


def five_seconds(workload: Workload, loaded: ModelNeeds | None) -> float | None:
    """Return five seconds, and three more if the checkpoint has to be loaded."""
    return 5.0 if workload.needs.match(loaded) else 8.0


def test_the_node_that_is_free_first_takes_the_next_task() -> None:
    free = [(0.0, A.needs), (1.0, B.needs), (20.0, A.needs)]
    assert ends_of([A, B, A, A, A], free, five_seconds) == [5.0, 6.0, 10.0, 14.0, 15.0]
    assert ends_of([A, A, B], [(0.0, A.needs)], five_seconds) == [5.0, 10.0, 18.0], "one node: their sum"
    assert ends_of([A, A], [], five_seconds) == [None, None], "no node"


def test_a_task_of_unknown_length_hides_those_behind_it() -> None:
    free = [(0.0, A.needs), (1.0, A.needs)]
    assert ends_of([A, None, A], free, five_seconds) == [5.0, None, None]


def test_tasks_of_other_processes_are_timed_by_their_rows() -> None:
    clock = [100.0]
    elsewhere = RunsElsewhere(Estimator(), lambda: clock[0])
    task = Task("2" * 32, "api", {}, status=TaskStatus.RUNNING)
    live = ActiveTask(task, Workload(megapixels=2.0, images=1))
    elsewhere.on_event(events.Started(task.task_id), live)
    assert elsewhere.remaining(task) is None
    clock[0] += 6
    task.progress = 25
    assert elsewhere.remaining(task) == pytest.approx(18.0)
    task.status, task.started_at, task.finished_at = TaskStatus.FINISHED, 1_000, 21_000
    elsewhere.on_event(events.Finished(task.task_id, []), live)
    assert elsewhere.remaining(task) is None, "it has ended"
    other = ActiveTask(Task("3" * 32, "api", {}, status=TaskStatus.RUNNING), Workload(megapixels=1.0, images=3))
    assert elsewhere.seconds(other.workload, None) == pytest.approx(30.0)
    elsewhere.on_event(events.Started(other.task.task_id), other)
    clock[0] += 10
    assert elsewhere.remaining(other.task) == pytest.approx(20.0)
    clock[0] += 30
    assert elsewhere.remaining(other.task) == 0.0, "later than expected"
