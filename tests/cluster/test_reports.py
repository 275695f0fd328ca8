"""Reports of a node's running task to the processes that watch it: two sets of a process's parts on one PostgreSQL."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
from PIL import Image as PILImage

from fooocus_api.cluster.messages.inbox import Inbox, Taker
from fooocus_api.cluster.messages.notices import (
    ALL,
    EVERYONE,
    Hello,
    Notice,
    TaskImage,
    TaskProgress,
    Watching,
    channel_of,
    to_json,
)
from fooocus_api.cluster.messages.reporter import MIN_INTERVAL_S, Reporter
from fooocus_api.cluster.messages.watch import Watch
from fooocus_api.cluster.messages.watcher import Watcher
from fooocus_api.cluster.signals.listener import NotificationListener
from fooocus_api.cluster.signals.sender import NotificationSender
from fooocus_api.images.preview import PreviewImage
from fooocus_api.tasks.model.stage import Stage
from fooocus_api.tasks.model.task import Image
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.databases.postgres import PostgresServer

PICTURE = PreviewImage(numpy.zeros((128, 256, 3), numpy.uint8))


class Process:
    """A process of a cluster: it reports its tasks, and watches those of others."""

    def __init__(self, location: str) -> None:
        self.now = 0.0
        self.received: list[Any] = []
        self.gaps = 0
        self.sender = NotificationSender(location)
        self.watch = Watch(lambda process, tasks: self.reporter.repeat(process, tasks))
        self.reporter = Reporter(self.sender, self.watch, lambda: self.now)
        self.watcher = Watcher(self.sender)
        keep = lambda _, notice: self.received.append(notice)  # noqa: E731
        takers: dict[type[Notice], Taker] = {TaskProgress: keep, TaskImage: keep, Hello: self._greet}
        inbox = Inbox(self.sender.name, takers | {Watching: self.watch.take})
        self.notifications = NotificationListener(
            location, {EVERYONE: inbox.receive, channel_of(self.sender.name): inbox.receive}, self._gap
        )
        wait_for(lambda: self.gaps and self.sender.sent, "the listener to listen and the greeting to be sent", 30)

    def close(self) -> None:
        self.watcher.close()
        self.sender.close()
        self.notifications.close()

    def step(self, number: int, preview: PreviewImage | None = PICTURE, task_id: str = "a") -> None:
        """Report a step, later than the step before by as much as is reported."""
        self.now += MIN_INTERVAL_S
        self.reporter.progress(TaskProgress(task_id, 1, number, "Sampling", Stage("sampling", number, 30)), preview)

    def steps(self) -> list[tuple[int, bool]]:
        """Return the received steps, and whether each has a preview."""
        return [(one.percent, one.jpeg is not None) for one in self.received if isinstance(one, TaskProgress)]

    def _gap(self) -> None:
        self.gaps += 1
        self.sender.send(EVERYONE, to_json(Hello()))

    def _greet(self, _: str, __: Hello) -> None:
        self.watcher.announce()


@pytest.fixture
def location(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
def node(location: str) -> Iterator[Process]:
    process = Process(location)
    yield process
    process.close()


@pytest.fixture
def gateway(location: str) -> Iterator[Process]:
    process = Process(location)
    yield process
    process.close()


def test_what_is_watched_is_reported_and_nothing_else(node: Process, gateway: Process) -> None:
    sent = node.sender.sent
    node.step(1)
    gateway.watcher.watch({"a": True})
    wait_for(lambda: gateway.steps() == [(1, True)], "the last progress to be repeated", 30)
    assert node.watch.wants_previews("a") and not node.watch.is_watched("b")
    node.step(2)
    node.step(2, task_id="b")
    node.reporter.image("a", 1, Image("one.png", {"prompt": "x" * 20_000}))
    node.reporter.image("b", 1, Image("two.png"))
    wait_for(lambda: len(gateway.received) == 3, "the reports to arrive", 30)
    assert gateway.steps() == [(1, True), (2, True)]
    assert gateway.received[2] == TaskImage("a", 1, Image("one.png", {"prompt": "x" * 20_000}))
    wait_for(
        lambda: node.sender.sent - sent >= 3, "the reports to be counted", 30
    )  # they arrive before they are counted
    assert node.sender.sent - sent == 3
    preview = gateway.received[1].preview
    assert preview is not None and PILImage.open(io.BytesIO(gateway.received[1].jpeg)).size == (256, 128)
    gateway.watcher.watch({})
    gateway.watcher.announce()
    wait_for(lambda: not node.watch.is_watched("a"), "the watch to end", 30)


def test_a_process_that_watches_all_without_previews_gets_none(node: Process, gateway: Process) -> None:
    gateway.watcher.watch({ALL: False})
    wait_for(lambda: node.watch.is_watched("a"), "the watch to begin", 30)
    node.step(1)
    wait_for(gateway.steps, "the progress to arrive", 30)
    gateway.watcher.watch({ALL: True})
    wait_for(lambda: node.watch.wants_previews("a"), "the watch of previews to begin", 30)
    wait_for(lambda: gateway.steps() == [(1, False), (1, True)], "the preview to be repeated", 30)


def test_steps_in_quick_succession_are_not_all_reported(node: Process, gateway: Process) -> None:
    gateway.watcher.watch({ALL: True})
    wait_for(lambda: node.watch.is_watched("a"), "the watch to begin", 30)
    for number in range(1, 11):
        node.step(number)
        node.now -= MIN_INTERVAL_S / 2
    node.reporter.progress(TaskProgress("a", 1, 100, "Saving", Stage("saving")))
    wait_for(lambda: (100, False) in gateway.steps(), "the last progress to arrive", 30)
    assert {number for number, _ in gateway.steps()} <= {1, 3, 5, 7, 9, 100}


def test_a_node_that_begins_to_listen_learns_what_is_watched(location: str, gateway: Process) -> None:
    gateway.watcher.watch({"a": True})
    later = Process(location)
    try:
        wait_for(lambda: later.watch.wants_previews("a"), "the watch to be repeated", 30)
        gateway.watcher.close()
        wait_for(lambda: not later.watch.is_watched("a"), "the watch to end", 30)
    finally:
        later.close()
