"""End of open streams once their key loses the right to read: no further events, no new links."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fooocus_api.api.security.authorization import RECHECK_INTERVAL_S
from fooocus_api.auth.keys import Key, Scope, load, save
from fooocus_api.tasks.streaming.subscription import HEARTBEAT_S
from fooocus_api.tests.support.client import Client, ServerSentEvent, wait_for
from fooocus_api.tests.support.event_streams import Reader, reading
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key, keys_command

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory

BOSS = "of-the-command-line"
USUAL = ("--scopes", "generate,read-all")

Change = Callable[[Host], None]


def revoke(host: Host) -> None:
    keys_command(host.outputs, "revoke", "bot").check_returncode()


def replace_key(host: Host) -> None:
    """Replace the key by another of the same name and scopes."""
    revoke(host)
    add_key(host, "bot", *USUAL)


def scopes(*names: Scope) -> Change:
    """Return a change that leaves the key these scopes alone."""

    def change(host: Host) -> None:
        file = host.outputs / ".fooocus_api" / "keys.json"
        save(file, [changed(key) for key in load(file)])

    def changed(key: Key) -> Key:
        return replace(key, scopes=frozenset(names)) if key.name == "bot" else key

    return change


def break_keys(host: Host) -> None:
    (host.outputs / ".fooocus_api" / "keys.json").write_text("{")


@pytest.fixture(scope="module")
def shared() -> Iterator[Host]:
    with demo_host("--nowebui", "--apikey", f"boss:{BOSS}", step_ms=50) as host:
        yield host


@pytest.fixture
def locked(shared: Host) -> Host:
    """Return a host that only the key of its command line opens, and that has nothing to do."""
    save(shared.outputs / ".fooocus_api" / "keys.json", [])
    boss = Client(shared.url, BOSS)
    boss.has_tasks(running=0)
    listening(boss, 0)
    return shared


def listening(client: Client, number: int) -> None:
    """Wait until that many clients listen."""
    wait_for(lambda: f"fooocus_api_listeners {number}.0\n" in client.get("/metrics").text, f"{number} listeners")


@pytest.mark.parametrize(
    "change",
    [revoke, replace_key, scopes(Scope.GENERATE), scopes(Scope.GENERATE, Scope.READ), break_keys],
    ids=["revoked", "replaced", "no reading", "its own tasks alone", "a broken file"],
)
def test_who_may_not_read_any_more_is_told_nothing_more(locked: Host, change: Change) -> None:
    boss, bot = Client(locked.url, BOSS), add_key(locked, "bot", *USUAL)
    with reading(boss, "/v1/events") as untouched, reading(bot, "/v1/events") as reader:
        boss.draw()
        reader.until("finished")
        before = list(reader.events)
        change(locked)
        time.sleep(RECHECK_INTERVAL_S)
        boss.draw(prompt="afterwards")
        assert reader.ended.wait(30), "the stream is open"
        assert reader.events == before
        untouched.until("finished", 2)
        listening(boss, 1)


def test_all_streams_of_a_revoked_key_end_while_its_task_goes_on(locked: Host) -> None:
    boss, bot = Client(locked.url, BOSS), add_key(locked, "bot", *USUAL)
    drawn: list[ServerSentEvent] = []
    thread = threading.Thread(target=lambda: drawn.extend(bot.stream(overwrite_step=200, image_number=4)))
    thread.start()
    boss.has_tasks(running=1)
    (task,) = boss.tasks(query="current")["current"]
    with reading(bot, f"/tasks/{task['task_id']}/events") as reader:
        reader.until("progress")
        revoke(locked)
        time.sleep(RECHECK_INTERVAL_S)
        assert reader.ended.wait(30), "the task's stream is open"
        thread.join(30)
        assert not thread.is_alive(), "the stream of the request is open"
        assert boss.task(task["task_id"])["task_status"] == "running"
        assert drawn and {event.data["progress"] for event in drawn} != {100} and "finished" not in reader.names()
        listening(boss, 0)
    boss.post(f"/tasks/{task['task_id']}/stop")


def test_what_was_open_to_all_ends_with_the_first_key(demo_factory: DemoFactory) -> None:
    host = demo_factory("--nowebui")
    stranger = Client(host.url)
    with ExitStack() as stack:
        readers: list[Reader] = [
            stack.enter_context(reading(client, "/v1/events")) for client in (stranger, Client(host.url, "any key"))
        ]
        stranger.draw()
        for reader in readers:
            reader.until("finished")
        before = [list(reader.events) for reader in readers]
        bot = add_key(host, "bot")
        time.sleep(RECHECK_INTERVAL_S)
        bot.draw()
        assert all(reader.ended.wait(30) for reader in readers), "a stream is open"
        assert [reader.events for reader in readers] == before


def test_what_has_nothing_to_do_with_reading_ends_no_stream(locked: Host) -> None:
    boss, bot = Client(locked.url, BOSS), add_key(locked, "bot", "--scopes", "read,control")
    with reading(bot, "/v1/events") as reader:
        add_key(locked, "shop")
        scopes(Scope.READ_ALL)(locked)
        task_id = boss.draw()["task_id"]
        scopes(Scope.READ, Scope.GENERATE)(locked)
        own = bot.draw()["task_id"]
        reader.until("finished")
        assert {event["data"]["task_id"] for event in reader.events} == {own} != {task_id}


def test_a_stream_ends_also_while_nothing_happens(locked: Host) -> None:
    boss, bot = Client(locked.url, BOSS), add_key(locked, "bot", *USUAL)
    with reading(bot, "/v1/events") as reader:
        listening(boss, 1)
        revoke(locked)
        assert reader.ended.wait(HEARTBEAT_S - 5), "the idle stream is open until its next heartbeat"
        assert reader.events == []
        listening(boss, 0)
