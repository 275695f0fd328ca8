"""The threads that save images: the bound of the images in hand, their order, and the end of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from fooocus_api.adapters.saving.pool import SaveJob, SavePool
from fooocus_api.adapters.saving.turns import Turns
from fooocus_api.tests.support.client import wait_for


class Saves:
    """Jobs of a pool, each of which takes until its event is set."""

    def __init__(self, pool: SavePool) -> None:
        self.pool = pool
        self.begun: list[str] = []
        self.done: list[tuple[str, BaseException | None]] = []
        self.events: dict[str, threading.Event] = {}

    def submit(self, path: str, size: int = 1, error: BaseException | None = None) -> None:
        event = self.events.setdefault(path, threading.Event())

        def save() -> None:
            self.begun.append(path)
            assert event.wait(10)
            if error is not None:
                raise error

        self.pool.submit(SaveJob(path, size, save, lambda raised: self.done.append((path, raised))))

    def later(self, path: str, size: int = 1) -> threading.Thread:
        """Submit a job on a thread, as that may wait."""
        thread = threading.Thread(target=self.submit, args=(path, size))
        thread.start()
        return thread

    def release(self, *paths: str) -> None:
        for path in paths or tuple(self.events):
            self.events[path].set()


def test_the_worker_waits_when_too_many_bytes_are_in_hand() -> None:
    saves = Saves(SavePool(max_bytes=10))
    saves.submit("a", 6)
    saves.submit("b", 4)
    waiting = saves.later("c", 1)
    wait_for(lambda: saves.begun == ["a", "b"], "both to be begun", 10)
    assert waiting.is_alive() and saves.pool.paths() == ["a", "b"]
    saves.release("b")
    waiting.join(10)
    assert saves.pool.paths() == ["a", "c"]
    saves.release()
    assert saves.pool.finish(10) and len(saves.done) == 3


def test_an_image_larger_than_the_bound_is_saved_alone() -> None:
    saves = Saves(SavePool(max_bytes=10))
    saves.submit("a", 11)
    waiting = saves.later("b", 1)
    wait_for(lambda: saves.begun == ["a"], "the first to be begun", 10)
    assert waiting.is_alive()
    saves.release("a")
    waiting.join(10)
    saves.release()
    assert saves.pool.finish(10)


def test_two_images_of_one_name_are_written_one_after_the_other() -> None:
    saves = Saves(SavePool())
    saves.submit("a")
    second = saves.later("a")
    wait_for(lambda: saves.begun == ["a"], "the first to be begun", 10)
    assert second.is_alive()
    saves.release()
    second.join(10)
    assert saves.pool.finish(10) and saves.begun == ["a", "a"]


def test_two_images_are_encoded_at_a_time() -> None:
    saves = Saves(SavePool(encoders=2))
    for path in "abc":
        saves.submit(path)
    wait_for(lambda: len(saves.begun) == 2, "two to be begun", 10)
    assert not saves.pool.finish(0.01) and saves.begun == ["a", "b"]
    saves.release()
    assert saves.pool.finish(10) and saves.pool.paths() == []


@pytest.mark.parametrize("error", [OSError("full"), MemoryError(), SystemExit(1)], ids=repr)
def test_a_job_that_fails_leaves_the_others(error: BaseException) -> None:
    saves = Saves(SavePool(encoders=1))
    saves.submit("a", error=error)
    saves.submit("b")
    saves.release()
    assert saves.pool.finish(10)
    assert saves.done == [("a", error), ("b", None)] and error.__traceback__ is None


def test_a_report_that_fails_leaves_the_pool_as_it_is() -> None:
    def broken(_: BaseException | None) -> None:
        raise RuntimeError("our bug")

    pool = SavePool(encoders=1)
    pool.submit(SaveJob("a", 1, lambda: None, broken))
    assert pool.finish(10)
    saves = Saves(pool)
    saves.submit("b")
    saves.release()
    assert pool.finish(10) and saves.done == [("b", None)]


def test_turns_are_taken_in_their_order_from_any_threads() -> None:
    turns, taken = Turns(), list[int]()
    releases = [turns.hold() for _ in range(50)]
    turns.run(lambda: taken.append(50))
    actions: list[Callable[[], object]] = [partial(taken.append, number) for number in range(50)]
    threads = [
        threading.Thread(target=release, args=(action,)) for release, action in zip(releases, actions, strict=True)
    ]
    for thread in reversed(threads):
        assert turns.are_waiting
        thread.start()
    for thread in threads:
        thread.join(10)
    assert taken == list(range(51)) and not turns.are_waiting


def test_a_turn_that_fails_does_not_hold_up_the_next() -> None:
    def broken() -> None:
        raise RuntimeError("our bug")

    turns, taken = Turns(), list[int]()
    turns.run(broken)
    turns.run(lambda: taken.append(1))
    assert taken == [1] and not turns.are_waiting
