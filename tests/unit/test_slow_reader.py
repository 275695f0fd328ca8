"""A slow subscriber: it receives every state change, and its buffer of previews stays small."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy
import pytest

from fooocus_api.images.preview import Encoding, PreviewImage
from fooocus_api.tasks.model.task import Task, TaskStatus, new_task_id
from fooocus_api.tasks.streaming.broadcaster import Broadcaster
from fooocus_api.tasks.streaming.notices import Notice
from fooocus_api.tasks.streaming.subscription import BURST, REPLAY_BUFFER_SIZE
from fooocus_api.tasks.streaming.updates import Dropped, KeepAlive, Update

TASKS = 30
STEPS = 10


def tell_of_a_task(broadcaster: Broadcaster) -> None:
    """Publish the whole course of a task, with a preview at each step."""
    task = Task(new_task_id(), "api", {"prompt": "a"})
    broadcaster.publish("queued", task)
    task.transition(TaskStatus.RUNNING)
    broadcaster.publish("started", task)
    for _ in range(STEPS):
        broadcaster.publish("progress", task, PreviewImage(numpy.zeros((8, 8, 3), numpy.uint8)))
    task.transition(TaskStatus.FINISHED)
    broadcaster.publish("finished", task)


def test_no_more_pictures_wait_than_a_reader_may_be_behind() -> None:
    async def unread() -> list[Update]:
        broadcaster = Broadcaster()
        with broadcaster.subscribe(encoding=Encoding()) as subscription:
            for _ in range(TASKS):
                await asyncio.to_thread(tell_of_a_task, broadcaster)
            await asyncio.sleep(0)
            return [item for item in subscription.backlog() if isinstance(item, Update)]

    updates = asyncio.run(unread())
    assert 0 < sum(update.preview is not None for update in updates) <= BURST
    kinds = [update.kind for update in updates if update.kind != "progress"]
    assert len(updates) <= REPLAY_BUFFER_SIZE and kinds == ["queued", "started", "finished"] * TASKS


def test_who_reads_in_time_gets_every_picture() -> None:
    async def read() -> list[object]:
        broadcaster = Broadcaster()
        with broadcaster.subscribe(encoding=Encoding()) as subscription:
            pictures: list[object] = []
            reader = subscription.updates()
            for _ in range(3):
                await asyncio.to_thread(broadcaster.publish, "progress", Task("0" * 32, "api", {}), PREVIEW)
                pictures.append((await reader.__anext__()).preview)
            return pictures

    assert asyncio.run(read()) == [PREVIEW] * 3


def numbers_of(items: list[Update | Dropped | KeepAlive | Notice]) -> list[int]:
    return [item.number for item in items if isinstance(item, Update)]


def read(
    broadcaster: Broadcaster, told: int, first: int = 0, **wanted: Any
) -> list[Update | Dropped | KeepAlive | Notice]:
    """Return the items that a subscriber receives: it reads the `first` updates, then all others after the last was published."""
    task = Task("a" * 32, "api", {})

    async def items() -> list[Update | Dropped | KeepAlive | Notice]:
        got: list[Update | Dropped | KeepAlive | Notice] = []
        with broadcaster.subscribe(**wanted) as subscription:
            if first:
                await asyncio.to_thread(tell, broadcaster, task, first)
            reader = subscription.__aiter__()
            for _ in range(first):
                got.append(await reader.__anext__())
            await asyncio.to_thread(tell, broadcaster, task, told)
            await asyncio.sleep(0)
            while subscription.backlog():
                got.append(await reader.__anext__())
        return got

    return asyncio.run(items())


def tell(broadcaster: Broadcaster, task: Task, number: int) -> None:
    for _ in range(number):
        broadcaster.publish("queued", task)


def test_who_comes_back_gets_all_that_is_kept_and_is_told_how_many_are_gone() -> None:
    broadcaster, task = Broadcaster(), Task("a" * 32, "api", {})
    tell(broadcaster, task, REPLAY_BUFFER_SIZE)
    assert numbers_of(read(broadcaster, 0, after=f"{broadcaster.stream_id}-100")) == list(
        range(101, REPLAY_BUFFER_SIZE + 1)
    )
    tell(broadcaster, task, 500)
    dropped, *rest = read(broadcaster, 0, after=f"{broadcaster.stream_id}-100")
    assert dropped == Dropped(400, 500)
    assert [update.number for update in rest if isinstance(update, Update)] == list(
        range(501, REPLAY_BUFFER_SIZE + 501)
    )


def test_nobody_knows_whose_were_gone() -> None:
    broadcaster = Broadcaster()
    tell(broadcaster, Task("a" * 32, "api", {}), REPLAY_BUFFER_SIZE + 10)
    after = f"{broadcaster.stream_id}-1"
    assert read(broadcaster, 0, after=after, task_id="b" * 32) == [Dropped(None, 10)]
    assert read(broadcaster, 0, after=after, source="webui") == [Dropped(None, 10)]


def test_what_a_slow_reader_lost_is_told_where_it_is_missing() -> None:
    broadcaster = Broadcaster()
    first, dropped, *rest = read(broadcaster, REPLAY_BUFFER_SIZE + 5, first=1)
    assert numbers_of([first]) == [1] and dropped == Dropped(5, 6)
    assert numbers_of(rest) == list(range(7, REPLAY_BUFFER_SIZE + 7))


def test_what_is_not_known_does_not_become_a_number() -> None:
    broadcaster = Broadcaster()
    dropped, *_ = read(broadcaster, REPLAY_BUFFER_SIZE + 5, after="another-7")
    assert dropped == Dropped(None, 5)


def test_silence_is_told_by_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fooocus_api.tasks.streaming.subscription.HEARTBEAT_S", 0.02)

    async def heard() -> list[object]:
        broadcaster = Broadcaster()
        with broadcaster.subscribe() as subscription:
            reader = subscription.__aiter__()
            return [await reader.__anext__() for _ in range(3)]

    assert asyncio.run(heard()) == [KeepAlive()] * 3


PREVIEW = PreviewImage(numpy.zeros((8, 8, 3), numpy.uint8))
