"""Closing of the console window, or Ctrl-Break, during a task: the task is put back in the queue, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.adapters.startup import console_close
from fooocus_api.adapters.startup.console_close import ConsoleClose
from fooocus_api.tasks.model import events
from fooocus_api.tasks.model.task import Task, TaskError
from fooocus_api.tasks.storage.store import TaskStore
from fooocus_api.tasks.webhooks.delivery import Webhooks
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.fakes.simulation import World

if TYPE_CHECKING:
    pass

EVENTS = pytest.mark.parametrize("event", [1, 2], ids=["Ctrl-Break", "closed window"])
PATIENCE = 20
"""Seconds until a handler counts as hanging; its own limit in these tests is a fraction of one."""


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """Yield an event for which a hanging disk or reader waits; it is set at the end."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the handler's limit below the test's patience."""
    monkeypatch.setattr(console_close, "WITHIN_S", 0.3)


def submit(world: World, prompt: str = "a cat") -> str:
    return world.run(world.services.submissions.submit({"prompt": prompt})).task.task_id


def handler(world: World) -> ConsoleClose:
    return ConsoleClose(world.services.end_subscriptions, world.services.close)


def handled(world: World, event: int) -> bool:
    """Return the handler's answer, and fail if it takes longer than PATIENCE."""
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(handler(world).on_event(event)), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    return answers[0]


def images(world: World) -> set[str]:
    return {path.name for path in world.outputs.iterdir()}


def drawn_again(world: World, task_id: str) -> dict[str, Any]:
    """Generate the task in the next process, and return its row after a check that it lists all images in the outputs."""
    world.open()
    assert images(world) == set() and world.machine.queue[0] == task_id
    world.machine.start()
    world.machine.save(reported=True)
    world.machine.end(None, grid=False, forgets=False, twice=False)
    world.settle()
    row = world.rows()[task_id]
    assert row["status"] == "finished" and row["attempts"] == 1
    assert set(row["images"]) == images(world)
    return row


@EVENTS
def test_a_running_task_is_put_back_while_images_are_saved(
    world: World, stuck: threading.Event, soon: None, event: int
) -> None:
    task_id, next_id = submit(world), submit(world, "after it")
    world.machine.start()
    world.machine.save(reported=True)
    world.machine.save(reported=False)  # the one that is being written
    world.settle()
    assert world.rows()[task_id]["status"] == "running"
    world.services.results.run(stuck.wait)
    assert handled(world, event) is False
    rows = world.rows()
    assert (rows[task_id]["status"], rows[task_id]["attempts"], rows[task_id]["started_at"]) == ("pending", 0, -1)
    assert rows[next_id]["status"] == "pending"
    drawn_again(world, task_id)


@EVENTS
def test_closed_again_and_again_it_is_no_crash(world: World, event: int) -> None:
    task_id = submit(world)
    for _ in range(3):
        world.machine.start()
        world.settle()
        assert handler(world).on_event(event) is False
        world.open()
        assert world.rows()[task_id]["status"] == "pending"
    world.services.close()
    drawn_again(world, task_id)


def test_a_task_whose_results_are_being_saved_is_drawn_again(
    world: World, stuck: threading.Event, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    saving = threading.Event()

    def save_array(*_: Any) -> str:
        saving.set()
        stuck.wait()
        raise OSError("the disk is gone")

    task_id = submit(world)
    world.machine.start()
    monkeypatch.setattr(world.machine.files, "save_array", save_array)
    world.machine.save(reported=True)
    world.machine.end(None, grid=True, forgets=False, twice=False)
    assert saving.wait(30)
    assert handled(world, 2) is False
    assert world.rows()[task_id]["status"] == "pending"
    drawn_again(world, task_id)


def test_a_database_that_hangs_does_not_hold_it(world: World, soon: None) -> None:
    task_id = submit(world)
    world.machine.start()
    world.settle()
    world.hold()
    assert handled(world, 2) is False
    assert world.rows()[task_id]["status"] == "running"  # the process would be dead now, as after a crash
    world.unblock()
    wait_for(lambda: world.rows()[task_id]["status"] == "pending", "the row to be written after all")
    world.repository.close()
    drawn_again(world, task_id)


def test_a_reader_that_hangs_does_not_hold_it(world: World, soon: None, stuck: threading.Event) -> None:
    task_id = submit(world)
    world.machine.start()
    world.settle()
    world.repository.submit_read(stuck.wait)
    assert handled(world, 2) is False
    assert world.rows()[task_id]["status"] == "pending"
    drawn_again(world, task_id)


@pytest.mark.parametrize("failed", [False, True])
def test_an_end_that_comes_at_that_moment_is_kept(world: World, failed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliver the end just after the task was put back: the end overwrites that."""
    task_id, next_id = submit(world), submit(world, "the next")
    world.machine.start()
    world.machine.save(reported=True)
    world.settle()
    put_back = TaskStore.put_back

    def ends_first(store: TaskStore, task: Task) -> None:
        put_back(store, task)
        world.repository.write(lambda: None).result(30)
        assert world.rows()[task_id]["status"] == "pending"
        error = TaskError("Broken", "in the last moment") if failed else None
        world.machine.end(error, grid=False, forgets=False, twice=False)
        world.machine.start()  # the next one begins, in the same state as a pending one

    monkeypatch.setattr(TaskStore, "put_back", ends_first)
    assert handler(world).on_event(2) is False
    rows = world.rows()
    assert (rows[task_id]["status"], rows[task_id]["attempts"]) == ("failed" if failed else "finished", 1)
    assert set(rows[task_id]["images"]) == images(world) and len(rows[task_id]["images"]) == 1
    assert (rows[next_id]["status"], rows[next_id]["attempts"], rows[next_id]["started_at"]) == ("pending", 0, -1)
    world.open()
    assert world.machine.queue == [next_id] and len(images(world)) == 1


def test_an_end_that_was_written_is_not_put_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = submit(world)
    world.machine.start()
    world.settle()
    put_back = TaskStore.put_back

    def ended_before(store: TaskStore, task: Task) -> None:
        world.machine.end(TaskError("Broken", "just now"), grid=False, forgets=False, twice=False)
        wait_for(lambda: world.rows()[task_id]["status"] == "failed", "the end to be written")
        put_back(store, task)

    monkeypatch.setattr(TaskStore, "put_back", ended_before)
    handler(world).on_event(1)
    assert world.rows()[task_id]["status"] == "failed"


def test_a_task_that_begins_and_ends_meanwhile_is_written_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = submit(world)
    close = Webhooks.close

    def draws(webhooks: Webhooks) -> None:
        world.machine.start()
        world.machine.save(reported=True)
        world.machine.end(None, grid=False, forgets=False, twice=False)
        close(webhooks)

    monkeypatch.setattr(Webhooks, "close", draws)
    handler(world).on_event(2)
    row = world.rows()[task_id]
    assert (row["status"], row["attempts"]) == ("finished", 1) and row["started_at"] > 0
    assert set(row["images"]) == images(world)


def test_a_start_that_is_told_late_does_not_undo_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliver the start after the rows were put back, of a task that the worker took before the window was closed."""
    task_id = submit(world)
    close = Webhooks.close

    def late(webhooks: Webhooks) -> None:
        world.bus.emit(events.Started(task_id))
        close(webhooks)

    monkeypatch.setattr(Webhooks, "close", late)
    handler(world).on_event(2)
    row = world.rows()[task_id]
    assert (row["status"], row["attempts"], row["started_at"]) == ("pending", 0, -1)


def test_the_usual_end_waits_for_one_that_has_begun(world: World, stuck: threading.Event) -> None:
    """Block `atexit`, whose return ends the process, while the handler's thread puts tasks back."""
    world.services.results.run(stuck.wait)
    closing = threading.Thread(target=lambda: world.services.close(60))
    closing.start()
    wait_for(lambda: world.services.lifetime.is_closing, "the handler to close")
    usual = threading.Thread(target=world.services.close)
    usual.start()
    assert not world.services.lifetime.is_closed and usual.is_alive()
    stuck.set()
    for thread in (usual, closing):
        thread.join(30)
        assert not thread.is_alive()
    assert world.repository.is_closed


def test_waiters_are_let_go_first_and_a_failure_keeps_nothing_from_being_done() -> None:
    said: list[Any] = []

    def leave() -> None:
        said.append("leave")
        raise RuntimeError("no loop")

    assert ConsoleClose(leave, said.append).on_event(2) is False
    assert said == ["leave", console_close.WITHIN_S]
    assert console_close.WITHIN_S < 5  # after which Windows ends the process


@pytest.mark.parametrize("event", [0, 3, 5, 6, 99])
def test_other_events_are_others(event: int) -> None:
    said: list[Any] = []
    assert ConsoleClose(lambda: said.append("leave"), said.append).on_event(event) is False
    assert said == []
