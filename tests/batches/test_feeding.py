"""Rows on their way through the queue, without a host: quotas, refunds, pauses, lost tasks, numbers of batches and messages."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from fooocus_api.auth.keys import Key, KeyQuota
from fooocus_api.db.statements import writes
from fooocus_api.db.statements.sources import usage
from fooocus_api.db.writer import DatabaseUnavailable
from fooocus_api.tasks.batches import admission
from fooocus_api.tasks.batches.admission import Admission
from fooocus_api.tasks.batches.model import Batch, Counts, NewBatch, NewRow
from fooocus_api.tasks.batches.store import UnknownBatch
from fooocus_api.tasks.model.task import TaskError, now_ms
from fooocus_api.tasks.queue.quotas import DAY_MS
from fooocus_api.tasks.webhooks.delivery import WebhookSettings
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.fakes.simulation import World

NO_SPACE = TaskError("OSError", "[Errno 28] No space left on device")


@contextmanager
def world_with(*keys: Key, free_bytes: Callable[[], int | None] = lambda: None, **options: Any) -> Iterator[World]:
    """Yield a process with these keys, whose disk has that many free bytes."""
    rows = Admission(lambda name: [key for key in keys if key.name == name], free_bytes)
    world = World(admission=rows, **options)
    try:
        yield world
    finally:
        world.close()


def add(world: World, *images: int, source: str = "api", hook: str = "") -> Batch:
    """Add a batch with a row for each of these numbers of images."""
    rows = [
        NewRow(number, str(number), {"prompt": "a cat", "image_number": each}, images=each)
        for number, each in enumerate(images, 1)
    ]
    return world.services.batches.creation.create(NewBatch(source, rows, hook=hook))[0]


def counts(world: World, batch: Batch) -> Counts:
    return world.services.batches.store.counts(batch)


def pause_code(world: World, batch: Batch) -> str | None:
    pause = world.services.batches.feeder.pause_of(batch)
    return pause.code if pause is not None else None


def delete(world: World, batch: Batch) -> None:
    """Delete a batch and wait until its last row is gone."""
    store = world.services.batches.store
    store.delete(batch, images_too=False)
    wait_for(lambda: store.numbered(batch.number) is None, "the deletion")


def run_next(world: World, error: TaskError | None = None) -> None:
    """Wait for a task, and run it to its end."""
    wait_for(lambda: world.machine.queue, "a task")
    world.machine.start()
    world.machine.end(error, grid=False, forgets=False, twice=False)
    world.settle()


def test_the_number_of_a_deleted_batch_is_not_given_again() -> None:
    with world_with() as world:
        first = add(world, 1)
        delete(world, first)
        second = add(world, 1)
        assert second.number > first.number
        with pytest.raises(UnknownBatch):
            world.services.batches.store.ended(first, 0, 100, 10_000)
        with pytest.raises(UnknownBatch):
            world.services.batches.store.stop(first)


def test_rows_of_another_batch_with_the_same_number_are_not_read() -> None:
    with world_with() as world:
        first = add(world, 1)
        second = replace(first, batch_id="0" * 32)
        store = world.services.batches.store
        uses: list[Callable[[Batch], object]] = [
            lambda batch: store.ended(batch, 0, 100, 10_000),
            lambda batch: store.ended_since(batch, 0, 100),
            store.stop,
            store.retry,
            lambda batch: store.delete(batch, images_too=True),
        ]
        for use in uses:
            with pytest.raises(UnknownBatch):
                use(second)
        assert store.ended(first, 0, 100, 10_000) == [] == store.ended_since(first, 0, 100)


def test_a_pause_ends_with_its_batch() -> None:
    with world_with() as world:
        batch = add(world, 1, source="revoked")
        wait_for(lambda: pause_code(world, batch) == "key_unusable", "the pause")
        delete(world, batch)
        wait_for(lambda: pause_code(world, batch) is None, "the end of the pause")


def test_a_pause_of_all_ends_although_no_row_is_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "DISK_RETRY_S", 0.1)
    free = [2**40]
    with world_with(free_bytes=lambda: free[0]) as world:
        first = add(world, 1, 1, 1, 1, 1)
        wait_for(lambda: counts(world, first).queued == 4, "four rows in the queue")
        free[0] = 0
        second = add(world, 1)
        wait_for(lambda: pause_code(world, first) == "disk_full", "the pause")
        delete(world, second)
        assert pause_code(world, first) == "disk_full"
        free[0] = 2**40
        wait_for(lambda: pause_code(world, first) is None, "the end of the pause")
        assert counts(world, first).queued == 4


def test_a_row_that_its_key_can_never_generate_fails_by_name() -> None:
    with world_with(Key("daily", "", limits=KeyQuota(images_per_day=2))) as world:
        batch = add(world, 3, 2, source="daily")
        run_next(world)
        wait_for(lambda: counts(world, batch) == Counts(succeeded=1, failed=1), "the ends of both rows")
        failed, _ = world.services.batches.store.ended(batch, 0, 100, 10_000)
        assert failed.number == 1 and failed.error is not None
        assert "3 images" in failed.error.message and "may generate 2 a day" in failed.error.message


def test_a_row_that_is_repeated_for_want_of_space_is_charged_once() -> None:
    with world_with(Key("daily", "", limits=KeyQuota(images_per_day=2))) as world:
        batch = add(world, 2, source="daily")
        run_next(world, NO_SPACE)
        run_next(world)
        wait_for(lambda: counts(world, batch) == Counts(succeeded=1), "the end of the row")
        assert world.repository.read(lambda: usage.images_asked("daily", now_ms() // DAY_MS)) == 2


def test_a_deleted_batch_whose_task_is_lost_is_gone() -> None:
    with world_with() as world:
        batch = add(world, 1)
        wait_for(lambda: world.machine.queue, "the task")
        task_id = world.machine.queue.pop()
        assert world.repository.write(lambda: writes.delete(task_id)).result()
        delete(world, batch)


def test_the_flags_receiver_gets_one_message_about_a_batch() -> None:
    with world_with(webhooks=WebhookSettings(url="https://example.com/hook")) as world:
        batch = add(world, 1)
        wait_for(lambda: world.machine.queue, "the task")
        task = world.run(world.services.tasks.get(world.machine.queue[0]))
        run_next(world)
        assert world.run(world.services.webhooks.state(task)).state == "none"
        assert not world.run(world.services.webhooks.resend(task))
        wait_for(lambda: counts(world, batch).succeeded, "the end of the row")
        assert world.services.batches.get(batch.batch_id).message.state == "pending"
        other = world.run(world.services.submissions.submit({"prompt": "a dog"})).task
        assert world.run(world.services.webhooks.state(other)).state == "waiting"


def test_messages_are_sent_although_the_database_did_not_answer_at_the_start() -> None:
    with world_with() as world:
        add(world, 1, hook="https://127.0.0.1/hook")
        run_next(world)
        rendered = threading.Event()

        def render(_: Batch) -> bytes:
            rendered.set()
            return b"{}"

        database = world.folder / "tasks.sqlite3"
        shutil.move(database, aside := world.folder / "aside")
        try:
            with pytest.raises(DatabaseUnavailable):
                world.services.batches.messages.start(render)
        finally:
            shutil.move(aside, database)
        world.services.batches.messages.wake()
        assert rendered.wait(30)
