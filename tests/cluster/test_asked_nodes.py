"""Requests of a gateway to a node: looks into slow folders, prompts that fail or are too long, and an API that is not built."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy
import pytest

from fooocus_api.adapters.models.tools import FooocusTools
from fooocus_api.adapters.worker.worker import Worker
from fooocus_api.cluster.control.answering import OwnTools
from fooocus_api.cluster.control.tools import MAX_ANSWERED, MAX_ASKED, ClusterTools, ToolPlace
from fooocus_api.cluster.jobs.schema import install_schema
from fooocus_api.cluster.jobs.task_jobs import Claims, TaskJobs
from fooocus_api.cluster.messages.inbox import Inbox
from fooocus_api.cluster.messages.notices import EVERYONE, ToolAnswer, ToolRequest, channel_of
from fooocus_api.cluster.nodes.offers import Offers
from fooocus_api.cluster.nodes.registry import NodeFacts, Registry
from fooocus_api.cluster.signals.listener import NotificationListener
from fooocus_api.cluster.signals.sender import NotificationSender
from fooocus_api.db.membership import Membership
from fooocus_api.db.repository import Repository
from fooocus_api.db.writer import DatabaseUnavailable
from fooocus_api.gateway.host.node_watch import NodeWatch
from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.tasks.ports.engine import EngineUnavailable, ParameterError, ToolsBusy
from fooocus_api.tasks.ports.prompts import ResolvedPrompt
from fooocus_api.tasks.ports.tools import ToolFailed
from fooocus_api.tasks.streaming.event_bus import EventBus
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.databases.postgres import PostgresServer


class Prompts:
    """Implements `tasks.ports.prompts.Prompts`: the prompt is as long as `length` says; one that is no number makes it fail. An
    expansion waits while `open` is not set."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.asked = 0

    def resolve(self, parameters: dict[str, Any], seed: int, indexes: Sequence[int]) -> Future[list[ResolvedPrompt]]:
        text = "x" * parameters["length"]
        found: Future[list[ResolvedPrompt]] = Future()
        found.set_result([ResolvedPrompt(seed, (text,), ("",), (), (text,), ("",), (), False) for _ in indexes])
        return found

    def expand(self, prompts: Sequence[ResolvedPrompt]) -> Future[list[str]]:
        texts: Future[list[str]] = Future()

        def run() -> None:
            assert self.open.wait(120)
            texts.set_result([prompt.prompt_lines[0] for prompt in prompts])

        self.asked += 1
        threading.Thread(target=run, daemon=True).start()
        return texts


class Process:
    """The rows and messages of a process, and its tools of nodes."""

    def __init__(self, location: str, name: str, folder: Path, look: Callable[[float], None] | None = None) -> None:
        self.repository = Repository(location, Membership(name))
        database = self.repository.database
        self.repository.write(lambda: install_schema(database)).result()
        self.prompts = Prompts()
        role = "gateway" if look is None else "node"
        self.registry = Registry(database, TaskJobs(database, name, Claims()), name, role, 3600)
        self.repository.write(lambda: self.registry.register("", "", None, NodeFacts())).result()
        self.sender = NotificationSender(location)
        own = None if look is None else OwnTools(FooocusTools(Worker(EventBus())), self.prompts, look)
        place = ToolPlace(name, InputStore(folder), own)
        self.tools = ClusterTools(place, self.sender, lambda: self.registry.known(self.repository.read))
        inbox = Inbox(self.sender.name, {ToolRequest: self.tools.requested, ToolAnswer: self.tools.answered})
        listening = threading.Event()
        channels = {EVERYONE: inbox.receive, channel_of(self.sender.name): inbox.receive}
        self._listener = NotificationListener(location, channels, listening.set)
        assert listening.wait(30)

    def close(self) -> None:
        self._listener.close()
        self.sender.close()
        self.repository.close()

    def resolved(self, length: Any, number: int = 1) -> list[ResolvedPrompt]:
        return self.tools.prompts().resolve({"length": length}, 1, range(number)).result(120)


class Folders:
    """Folders that are slow while `open` is not set: the catalogue of a node, and how often it was read and asked for."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.read = self.asked = 0
        self.error: Exception | None = None
        self.offers = Offers(self._read, lambda _: None)

    def look(self, within_s: float) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        self.offers.look(within_s)

    def _read(self) -> dict[str, Any]:
        self.read += 1
        assert self.open.wait(120)
        time.sleep(0.05)
        return {"digest": str(self.read)}


@pytest.fixture
def location(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
def folders() -> Iterator[Folders]:
    folders = Folders()
    yield folders
    folders.open.set()


@pytest.fixture
def node(location: str, tmp_path: Path, folders: Folders) -> Iterator[Process]:
    process = Process(location, "node-1", tmp_path / "inputs", folders.look)
    yield process
    process.close()


@pytest.fixture
def gateway(location: str, tmp_path: Path, node: Process) -> Iterator[Process]:
    process = Process(location, "gateway-1", tmp_path / "inputs")
    yield process
    process.close()


def test_one_look_counts_for_all_that_asked_before_it(folders: Folders) -> None:
    folders.open.clear()
    waiting = [threading.Thread(target=folders.look, args=(120,), daemon=True) for _ in range(20)]
    for thread in waiting:
        thread.start()
    wait_for(lambda: folders.asked == 20, "all to ask", 30)
    folders.open.set()
    for thread in waiting:
        thread.join(120)
    assert 2 <= folders.read <= 3  # a third for one that asked late


def test_a_look_that_failed_counts_for_nothing() -> None:
    failures = [DatabaseUnavailable("away"), None]
    read: list[int] = []

    def write(_: dict[str, Any]) -> None:
        failure = failures.pop(0)
        if failure is not None:
            raise failure

    def catalogue() -> dict[str, Any]:
        read.append(1)
        return {"digest": "same"}

    offers = Offers(catalogue, write)
    with pytest.raises(DatabaseUnavailable):
        offers.look()
    offers.look()
    assert len(read) == 2 and failures == []


def test_a_wait_for_the_look_that_runs_has_an_end(folders: Folders) -> None:
    folders.open.clear()
    running = threading.Thread(target=folders.look, args=(120,), daemon=True)
    running.start()
    wait_for(lambda: folders.read == 1, "the look to run", 30)
    with pytest.raises(TimeoutError, match="still looks into its folders"):
        folders.look(0.05)
    folders.open.set()
    running.join(120)


def test_a_node_with_an_unanswered_look_is_not_asked_for_another(gateway: Process, folders: Folders) -> None:
    folders.open.clear()
    for _ in range(4):
        gateway.tools.look(0.5)
    assert len(gateway.resolved(3)) == 1  # which the node gets after all of these
    assert folders.asked == 1
    folders.open.set()

    def is_asked_again() -> bool:
        gateway.tools.look(30)
        return folders.asked == 2

    wait_for(is_asked_again, "the node to be asked again", 30)


def test_an_outage_during_a_look_is_no_error_of_the_node(
    gateway: Process, folders: Folders, caplog: pytest.LogCaptureFixture
) -> None:
    folders.error = DatabaseUnavailable("the history can't be written: away")
    with caplog.at_level(logging.INFO, "fooocus_api"), pytest.raises(EngineUnavailable, match="can't be written"):
        gateway.tools.ask(None, "look", {}, None)
    assert [record for record in caplog.records if record.exc_info] == []


def test_prompts_that_are_too_long_for_a_message_are_refused(gateway: Process) -> None:
    assert len(gateway.resolved(20_000, 32)) == 32
    for length, number in ((300_000, 32), ("x" * 8_000_000, 1)):
        with pytest.raises(ParameterError, match="fewer images"):
            gateway.resolved(length, number)
    (prompt,) = gateway.resolved(5_000_000 // 2)
    with pytest.raises(ParameterError, match="fewer images"):
        gateway.tools.prompts().expand([prompt] * 4).result(120)
    assert gateway.sender.dropped == 0


def test_prompts_that_the_node_cannot_resolve_fail_as_a_tool(gateway: Process) -> None:
    with pytest.raises(ToolFailed, match="TypeError"):
        gateway.resolved({})


@pytest.fixture
def expansions(node: Process, gateway: Process) -> Iterator[Callable[[], Future[list[str]]]]:
    """Yield a function that asks for an expansion, which waits."""
    (prompt,) = gateway.resolved(3)
    node.prompts.open.clear()
    yield lambda: gateway.tools.prompts().expand([prompt])
    node.prompts.open.set()


def test_clients_that_wait_for_a_tool_are_limited(
    gateway: Process, node: Process, expansions: Callable[[], Future[list[str]]]
) -> None:
    asked = [expansions() for _ in range(MAX_ASKED)]
    with pytest.raises(ToolsBusy, match=f"{MAX_ASKED} requests"):
        gateway.tools.of(None).describe(numpy.zeros((8, 8, 3), numpy.uint8), "photo").result(30)
    gateway.tools.look(30)  # is no client's
    node.prompts.open.set()
    assert [one.result(120) for one in asked] == [["xxx"]] * MAX_ASKED
    wait_for(lambda: not waiting_threads(), "the ends of all threads", 30)
    assert len(gateway.resolved(3)) == 1


def test_a_client_that_has_gone_is_not_waited_for(
    gateway: Process, node: Process, expansions: Callable[[], Future[list[str]]]
) -> None:
    asked = [expansions() for _ in range(MAX_ASKED)]
    wait_for(lambda: node.prompts.asked == MAX_ASKED, "all to be asked", 30)
    assert waiting_threads() == 2 * MAX_ASKED and all(one.cancel() for one in asked)
    wait_for(lambda: waiting_threads() <= MAX_ASKED, "the gateway's threads to end, while the node's wait", 30)
    assert len(gateway.resolved(3)) == 1


def test_a_node_answers_a_limited_number_of_requests(
    gateway: Process, node: Process, expansions: Callable[[], Future[list[str]]]
) -> None:
    for round_number in range(1, MAX_ANSWERED // MAX_ASKED + 1):
        asked = [expansions() for _ in range(MAX_ASKED)]
        wait_for(lambda: node.prompts.asked == MAX_ASKED * round_number, "all to be asked", 30)  # noqa: B023
        assert all(one.cancel() for one in asked)
        wait_for(lambda: waiting_threads() <= MAX_ASKED * round_number, "the gateway's threads to end", 30)  # noqa: B023
    with pytest.raises(ToolsBusy, match=f"node-1 has {MAX_ANSWERED} requests"):
        expansions().result(30)
    node.prompts.open.set()
    wait_for(lambda: not waiting_threads(), "the ends of all threads", 30)
    assert len(gateway.resolved(3)) == 1


def waiting_threads() -> int:
    """Return the number of threads that ask or answer, of both processes."""
    return sum(thread.name == "fooocus-api-tool" for thread in threading.enumerate())


def test_an_api_that_cannot_be_built_is_not_the_clients_error(
    location: str, tmp_path: Path, node: Process, caplog: pytest.LogCaptureFixture
) -> None:
    built: list[str] = []
    failures = [RuntimeError("no memory"), RuntimeError("no memory"), None]

    def build() -> None:
        if (failure := failures.pop(0)) is not None:
            raise failure
        built.append("api")

    node.repository.write(lambda: node.registry.describe("", {"digest": "a1", "names": {}})).result()
    watch = NodeWatch(node.repository, node.registry, build)
    with caplog.at_level(logging.ERROR, "fooocus_api"):
        for expected in (0, 0, 1, 1):  # the catalogue is the same all the time
            watch.look()
            assert len(built) == expected
    assert len([record for record in caplog.records if record.exc_info]) == 1
