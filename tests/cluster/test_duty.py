"""Duties of one process: they rest until it takes them, and after it has lost them."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from functools import partial

import pytest

from fooocus_api.db.membership import Membership
from fooocus_api.db.repository import Repository
from fooocus_api.db.search.row_sets import CHUNK
from fooocus_api.db.statements.filters import Filter
from fooocus_api.db.statements.sources.usage import add_upload
from fooocus_api.tasks.batches.admission import Admission
from fooocus_api.tasks.batches.model import Batch, NewBatch, NewRow
from fooocus_api.tasks.duty import Duty
from fooocus_api.tasks.history.retention import RetentionPolicy
from fooocus_api.tasks.model.task import Task
from fooocus_api.tasks.webhooks.delivery import WebhookSettings
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.databases.databases import PostgresPlace, row
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.fakes.simulation import World

PARAMETERS = {"prompt": "a cat", "image_number": 1}


@pytest.fixture
def duty() -> Duty:
    return Duty(is_mine=False)


@pytest.fixture
def world(duty: Duty) -> Iterator[World]:
    rows = Admission(lambda _: [], lambda: None, lambda: 6)
    hooks = WebhookSettings(url="http://127.0.0.1:9/")
    world = World(admission=rows, duty=duty, webhooks=hooks)
    yield world
    world.close()


def run_next(world: World) -> None:
    """Wait for a task, and run it to its end."""
    wait_for(lambda: world.machine.queue, "a task")
    world.machine.start()
    world.machine.end(None, grid=False, forgets=False, twice=False)
    world.settle()


def add_batch(world: World, rows: int) -> Batch:
    new = [NewRow(number, str(number), dict(PARAMETERS), images=1) for number in range(1, rows + 1)]
    return world.services.batches.creation.create(NewBatch("api", new))[0]


def submit(world: World) -> None:
    world.run(world.services.submissions.submit(dict(PARAMETERS)))


def test_rows_of_batches_are_queued_by_the_process_with_the_duty(world: World, duty: Duty) -> None:
    feeder, store = world.services.batches.feeder, world.services.batches.store
    batch = add_batch(world, 9)
    feeder.wake()
    world.settle()
    assert not world.machine.queue
    duty.taken()
    wait_for(lambda: len(world.machine.queue) == 6, "as many rows as the admission says")
    duty.lost()
    run_next(world)
    feeder.wake()
    world.settle()
    assert store.counts(batch).queued == 5
    duty.taken()
    wait_for(lambda: store.counts(batch).queued == 6, "the next row")


def test_webhooks_are_delivered_by_the_process_with_the_duty(world: World, duty: Duty) -> None:
    rendered: queue.SimpleQueue[str] = queue.SimpleQueue()

    def render(task: Task, _: str) -> bytes:
        rendered.put(task.task_id)
        return b"{}"

    world.services.webhooks.start(render)
    submit(world)
    run_next(world)
    world.services.webhooks.wake_all()
    assert rendered.empty()
    duty.taken()
    assert rendered.get(timeout=30)
    duty.lost()
    submit(world)
    run_next(world)
    duty.look_again()
    world.settle()
    assert rendered.empty()
    duty.taken()
    assert rendered.get(timeout=30)


@pytest.mark.parametrize(("is_mine", "left"), [(False, 3), (True, 1)])
def test_the_history_is_pruned_by_the_process_with_the_duty(world: World, is_mine: bool, left: int) -> None:
    for _ in range(3):
        submit(world)
        run_next(world)
    world.services.retention.enforce(RetentionPolicy(count=1), Duty(is_mine=is_mine))
    wait_for(lambda: len(world.rows()) == left, "the pruning")
    world.settle()
    assert len(world.rows()) == left


def test_a_listener_that_fails_keeps_no_other_from_its_duty(duty: Duty) -> None:
    heard: list[bool] = []
    duty.call(lambda: 1 / 0)  # type: ignore[arg-type]
    duty.call(lambda: heard.append(duty.is_mine()))
    duty.look_again()
    assert heard == []
    duty.taken()
    duty.look_again()
    assert heard == [True, True]


def test_prompts_are_indexed_by_the_process_with_the_duty(postgres: PostgresServer, duty: Duty) -> None:
    place = PostgresPlace(postgres)
    repository = Repository(place.location, Membership("a"))
    ended = [(row(prompt=f"cat {number}", status="finished"), ()) for number in range(CHUNK + 8)]
    repository.write(partial(repository.insert_ended, ended)).result(60)
    repository.write(partial(add_upload, "api", "a.png")).result(60)
    duty.taken()
    repository.index_words(duty.is_mine)
    wait_for(lambda: place.execute("SELECT is_ready FROM search_chunk") == [(True,)], "the first chunk")
    gone = ended[7][0]["task_id"]
    assert repository.write(partial(repository.delete, gone)).result(60)
    words = Filter(prompt_words=("cat",))
    assert repository.read(lambda: repository.count(words))[0] == CHUNK + 7
    repository.close()
