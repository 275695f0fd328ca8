"""Signals between processes on a real PostgreSQL: what is sent arrives once and whole, across restarts of the server."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from fooocus_api.cluster.messages.inbox import Inbox
from fooocus_api.cluster.messages.notices import EVERYONE, TaskControl, TaskProgress, channel_of, to_json
from fooocus_api.cluster.signals import sender as sender_module
from fooocus_api.cluster.signals.connection import connect, connection_text
from fooocus_api.cluster.signals.listener import NotificationListener
from fooocus_api.cluster.signals.sender import MAX_WAITING, NotificationSender
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.host import ROOT

SENDER_PROCESS = """
import sys
sys.path.insert(0, {root!r})
from load_package import load_package
load_package()
from fooocus_api.cluster.messages.notices import EVERYONE, TaskControl, TaskProgress, to_json
from fooocus_api.cluster.signals.sender import NotificationSender
import random
sender = NotificationSender({location!r})
for number in range(30):
    picture = random.Random(number).randbytes(45_000)
    sender.send(EVERYONE, to_json(TaskProgress("a" * 32, 1, number, "Sampling", jpeg=picture)))
sender.send(EVERYONE, to_json(TaskControl("a" * 32, "stop", 7)))
sender.close(60)
"""


class Listener:
    """A process's listener and inbox, which keep what they receive."""

    def __init__(self, location: str, own: str = "listener") -> None:
        self.received: list[Any] = []
        self.gaps = 0
        inbox = Inbox(own, {TaskProgress: self._take, TaskControl: self._take})
        self.notifications = NotificationListener(
            location, {EVERYONE: inbox.receive, channel_of(own): inbox.receive}, self._gap
        )
        wait_for(lambda: self.gaps == 1, "the listener to listen", 30)

    def _gap(self) -> None:
        self.gaps += 1

    def _take(self, _: str, notice: Any) -> None:
        self.received.append(notice)


@pytest.fixture
def location(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
def listener(location: str) -> Iterator[Listener]:
    listener = Listener(location)
    yield listener
    listener.notifications.close()


@pytest.fixture
def sender(location: str) -> Iterator[NotificationSender]:
    sender = NotificationSender(location)
    yield sender
    sender.close()


def stop(number: int) -> dict[str, Any]:
    return to_json(TaskControl("t", "stop", number))


def workers(listener: Listener) -> list[int]:
    return [notice.worker for notice in listener.received]


def until_received(sender: NotificationSender, listener: Listener, number: int) -> None:
    """Send a message again and again until it is received."""

    def is_received() -> bool:
        sender.send(EVERYONE, stop(number))
        return number in workers(listener)

    wait_for(is_received, f"message {number} to arrive", 60)


def test_previews_of_another_process_arrive_whole_and_in_order(location: str, listener: Listener) -> None:
    script = SENDER_PROCESS.format(root=str(ROOT), location=location)
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    wait_for(lambda: len(listener.received) == 31, "the messages to arrive", 30)
    assert [notice.percent for notice in listener.received[:30]] == list(range(30))
    for number, notice in enumerate(listener.received[:30]):
        assert notice.jpeg == random.Random(number).randbytes(45_000)
    assert listener.received[30] == TaskControl("a" * 32, "stop", 7)


def test_a_process_receives_neither_its_own_messages_nor_those_to_another(
    location: str, sender: NotificationSender
) -> None:
    with ExitStack() as stack:
        own, other = Listener(location, sender.name), Listener(location, "other")
        for listener in (own, other):
            stack.callback(listener.notifications.close)
        sender.send(EVERYONE, stop(1))
        sender.send([channel_of(sender.name), channel_of("third")], stop(2))
        sender.send([channel_of("other"), channel_of("third")], stop(3))
        wait_for(lambda: workers(other) == [1, 3], "the messages to arrive", 30)
        assert own.received == []


def test_the_newest_of_a_key_wins_while_the_sender_is_held_up(sender: NotificationSender, listener: Listener) -> None:
    is_held, go_on = threading.Event(), threading.Event()

    def content() -> dict[str, Any]:
        is_held.set()
        go_on.wait(60)
        return stop(0)

    sender.send(EVERYONE, content)
    assert is_held.wait(60)
    for number in range(1, 501):
        sender.send(EVERYONE, stop(number), key="preview")
    go_on.set()
    wait_for(lambda: workers(listener) == [0, 500], "the newest message to arrive", 30)
    assert sender.replaced == 499 and sender.dropped == 0


def test_a_flood_makes_the_oldest_leave(sender: NotificationSender, listener: Listener) -> None:
    is_held, go_on = threading.Event(), threading.Event()

    def content() -> dict[str, Any]:
        is_held.set()
        go_on.wait(60)
        return stop(0)

    sender.send(EVERYONE, content)
    assert is_held.wait(60)
    for number in range(1, MAX_WAITING + 11):
        sender.send(EVERYONE, stop(number))
    go_on.set()
    wait_for(lambda: len(listener.received) == MAX_WAITING + 1, "the newest messages to arrive", 30)
    assert workers(listener) == [0, *range(11, MAX_WAITING + 11)] and sender.dropped == 10


def test_what_can_not_be_sent_holds_nothing_up(sender: NotificationSender, listener: Listener) -> None:
    sender.send(EVERYONE, {"kind": object()})
    sender.send(EVERYONE, lambda: {"kind": 1 / 0})
    sender.send(EVERYONE, {"kind": "of a later version"})
    sender.send(EVERYONE, stop(1))
    wait_for(lambda: workers(listener) == [1], "the message to arrive", 30)
    assert sender.dropped == 2


@pytest.mark.parametrize("disturb", [PostgresServer.hang_up, PostgresServer.restart_at_once])
def test_both_are_back_after_the_database(
    disturb: Callable[[PostgresServer], None], postgres: PostgresServer, sender: NotificationSender, listener: Listener
) -> None:
    until_received(sender, listener, 1)
    disturb(postgres)
    wait_for(lambda: listener.gaps > 1, "the listener to listen again", 60)
    until_received(sender, listener, 2)


def test_a_lost_connection_loses_no_message_of_a_sender_that_can_have_another(
    postgres: PostgresServer, sender: NotificationSender, listener: Listener
) -> None:
    until_received(sender, listener, 1)
    gaps = listener.gaps
    postgres.hang_up()
    wait_for(lambda: listener.gaps > gaps, "the listener to listen again", 60)
    sender.send(EVERYONE, stop(2))
    wait_for(lambda: 2 in workers(listener), "the message to arrive", 30)
    assert sender.dropped == 0


def test_while_the_database_is_away_messages_are_dropped_and_counted(
    postgres: PostgresServer, sender: NotificationSender, listener: Listener
) -> None:
    until_received(sender, listener, 1)
    postgres.stop()
    try:
        sender.send(EVERYONE, stop(2))
        wait_for(lambda: sender.dropped >= 1, "the message to be dropped", 60)
    finally:
        postgres.start()
    until_received(sender, listener, 3)
    assert 2 not in workers(listener)


def test_a_handler_that_fails_does_not_end_the_listener(location: str, sender: NotificationSender) -> None:
    received: list[str] = []

    def fail(fragment: str) -> None:
        received.append(fragment)
        raise SystemExit

    def gap() -> None:
        received.append("gap")
        raise ValueError

    with closing(NotificationListener(location, {"fooocus_a": fail}, gap)):
        wait_for(lambda: received == ["gap"], "the listener to listen", 30)
        for number in (1, 2):
            sender.send("fooocus_a", {"number": number})
        wait_for(lambda: len(received) == 3, "the messages to arrive", 30)


def test_a_raw_notice_arrives_as_it_is(location: str) -> None:
    received: list[str] = []
    is_ready = threading.Event()
    with closing(NotificationListener(location, {"fooocus_changes": received.append}, is_ready.set)):
        assert is_ready.wait(30)
        with closing(connect(location, "test")) as connection:
            connection.execute("SELECT pg_notify('fooocus_changes', 'é'), pg_notify('another', 'x')")
        wait_for(lambda: received == ["é"], "the notice to arrive", 30)


def test_a_listener_and_a_sender_end_at_once(location: str) -> None:
    listener = NotificationListener(location, {"fooocus_a": print}, lambda: None)
    listener.close(None)
    nowhere = NotificationListener("postgresql://127.0.0.1:1/none", {"fooocus_a": print}, lambda: None)
    nowhere.close(None)
    sender = NotificationSender("postgresql://127.0.0.1:1/none")
    sender.send("fooocus_a", {})
    sender.close(None)
    assert sender.dropped == 1


def test_a_location_is_one_that_libpq_understands() -> None:
    text = connection_text("postgresql://me:s3cret%20word@db.example:5433/name?sslmode=require&unknown=1")
    given = dict(part.split("=", 1) for part in text.replace("'s3cret word'", "s3cret_word").split(" "))
    assert given["host"] == "db.example" and given["port"] == "5433" and given["dbname"] == "name"
    assert given["password"] == "s3cret_word" and given["sslmode"] == "require" and "unknown" not in given


def test_messages_that_are_too_old_do_not_mean_that_the_database_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "fooocus_api.cluster")
    sender = NotificationSender("postgresql://127.0.0.1:1/none")
    sender.send("fooocus_a", {})
    wait_for(lambda: sender.dropped == 1, "the message to be dropped", 30)
    monkeypatch.setattr(sender_module, "MAX_AGE_S", -1.0)
    sender.send("fooocus_a", {})
    wait_for(lambda: sender.dropped == 2, "the old message to be dropped", 30)
    sender.close(None)
    sent = [record.message for record in caplog.records]
    assert sent == ["connection of the notifications lost; trying again"]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a server can't be held here")
def test_a_server_that_is_held_holds_no_one_up(
    postgres: PostgresServer, sender: NotificationSender, listener: Listener
) -> None:
    until_received(sender, listener, 1)
    with closing(connect(postgres.url("postgres"), "test")) as connection:
        found = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'fooocus-api sender'")
        pids = [pid for (pid,) in found.fetchall()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        for number in range(2 * MAX_WAITING):
            sender.send(EVERYONE, stop(-number))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    until_received(sender, listener, 2)
