"""A reader that never reads: it is told of every change once it does, and what waits for it is small meanwhile."""

from __future__ import annotations

import asyncio

import numpy

from fooocus_api.tasks.broadcast import BURST, UNREAD, Broadcast
from fooocus_api.tasks.preview import Encoding, PreviewImage
from fooocus_api.tasks.task import Task, TaskStatus, new_task_id
from fooocus_api.tasks.updates import Update

TASKS = 30
STEPS = 10


def tell_of_a_task(broadcast: Broadcast) -> None:
    """Its whole course, with a picture at each step."""
    task = Task(new_task_id(), "api", {"prompt": "a"})
    broadcast.publish("queued", task)
    task.transition(TaskStatus.RUNNING)
    broadcast.publish("started", task)
    for _ in range(STEPS):
        broadcast.publish("progress", task, PreviewImage(numpy.zeros((8, 8, 3), numpy.uint8)))
    task.transition(TaskStatus.FINISHED)
    broadcast.publish("finished", task)


def test_no_more_pictures_wait_than_a_reader_may_be_behind() -> None:
    async def unread() -> list[Update]:
        broadcast = Broadcast()
        with broadcast.subscribe(encoding=Encoding()) as subscription:
            for _ in range(TASKS):
                await asyncio.to_thread(tell_of_a_task, broadcast)
            await asyncio.sleep(0)
            return list(subscription._unread)

    updates = asyncio.run(unread())
    assert 0 < sum(update.preview is not None for update in updates) <= BURST
    kinds = [update.kind for update in updates if update.kind != "progress"]
    assert len(updates) <= UNREAD and kinds == ["queued", "started", "finished"] * TASKS


def test_who_reads_in_time_gets_every_picture() -> None:
    async def read() -> list[object]:
        broadcast = Broadcast()
        with broadcast.subscribe(encoding=Encoding()) as subscription:
            pictures: list[object] = []
            reader = subscription.updates()
            for _ in range(3):
                await asyncio.to_thread(broadcast.publish, "progress", Task("0" * 32, "api", {}), PREVIEW)
                pictures.append((await reader.__anext__()).preview)
            return pictures

    assert asyncio.run(read()) == [PREVIEW] * 3


PREVIEW = PreviewImage(numpy.zeros((8, 8, 3), numpy.uint8))
