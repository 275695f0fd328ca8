"""Requests of a gateway to a node: looks into slow folders, prompts that fail or are too long, clients that have gone, lost
messages, and an API that is not built."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest

from fooocus_api.cluster.control import answering
from fooocus_api.cluster.control import tools as tools_module
from fooocus_api.cluster.control.answers import MAX_ANSWERED
from fooocus_api.cluster.control.prompts import RESOLVE
from fooocus_api.cluster.control.threads import LOOK_S
from fooocus_api.cluster.control.tools import MAX_ASKED
from fooocus_api.db.writer import DatabaseUnavailable
from fooocus_api.gateway.host.node_watch import NodeWatch
from fooocus_api.tasks.ports.engine import EngineUnavailable, ParameterError, ToolsBusy
from fooocus_api.tasks.ports.tools import ToolFailed
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.clusters.tool_processes import Folders, Process
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.hosts.host_worker import Seam, host_loop

PICTURE = numpy.zeros((8, 8, 3), numpy.uint8)


@pytest.fixture
def location(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
def seam() -> Iterator[Seam]:
    """Yield the node's worker."""
    with host_loop() as module:
        seam = Seam(module)
        yield seam
        seam.close()


@pytest.fixture
def node(location: str, tmp_path: Path, folders: Folders, seam: Seam) -> Iterator[Process]:
    process = Process(location, "node-1", tmp_path / "inputs", folders.look, seam.worker)
    yield process
    process.close()


@pytest.fixture
def gateway(location: str, tmp_path: Path, node: Process) -> Iterator[Process]:
    process = Process(location, "gateway-1", tmp_path / "inputs")
    yield process
    process.close()


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
        gateway.tools.of(None).describe(PICTURE, "photo").result(30)
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


class Described:
    """A worker that is busy until `described` ends its task, and the number of pictures that its Fooocus has described."""

    def __init__(self, seam: Seam) -> None:
        self._seam = seam
        self._number = 0
        self._open = threading.Event()
        seam.worker.run_between_tasks(lambda: self._open.wait(120))

    def describe(self, picture: Any) -> str:
        self._number += 1
        return "a boat"

    def waiting(self) -> int:
        return len(self._seam.module.async_tasks)

    def number(self) -> int:
        """End the task, and return the number of descriptions once all that wait had their turn."""
        self._open.set()
        return self._seam.worker.run_between_tasks(lambda: self._number).result(30)


@pytest.fixture
def described(seam: Seam, monkeypatch: pytest.MonkeyPatch) -> Iterator[Described]:
    described, module = Described(seam), ModuleType("extras.interrogate")
    module.default_interrogator = described.describe  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "extras", ModuleType("extras"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    wait_for(lambda: not described.waiting(), "the worker to be busy", 30)
    yield described
    described.number()


def test_a_tool_that_waits_is_dropped_when_its_client_has_gone(gateway: Process, described: Described) -> None:
    for round_number in range(1, MAX_ANSWERED // MAX_ASKED + 2):  # more than the node answers at a time
        asked = [gateway.tools.of("node-1").describe(PICTURE, "photo") for _ in range(MAX_ASKED)]
        wait_for(lambda: described.waiting() == MAX_ASKED * round_number, "all to wait for the worker", 30)  # noqa: B023
        assert all(one.cancel() for one in asked)
        wait_for(lambda: not waiting_threads(), "the threads of both to end while the worker is busy", 30)
    assert described.number() == 0


def test_a_client_may_go_before_its_picture_is_decoded(gateway: Process, node: Process, described: Described) -> None:
    node.inputs.open.clear()
    asked = gateway.tools.of("node-1").describe(PICTURE, "photo")
    wait_for(lambda: node.inputs.asked, "the node to read the picture", 30)
    assert asked.cancel()
    wait_for(lambda: waiting_threads() == 1, "the gateway's thread to end", 30)
    gateway.tools.look(30)  # which the node gets after the notice
    node.inputs.open.set()
    wait_for(lambda: not waiting_threads(), "the node's thread to end while the worker is busy", 30)
    assert described.number() == 0


def test_the_picture_of_a_client_that_has_gone_is_not_stored(gateway: Process, tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        gateway.tools.ask("node-1", "describe", {}, PICTURE, lambda: True)
    assert not list(tmp_path.rglob("*.png"))


def test_a_node_drops_a_tool_of_its_own_when_the_client_has_gone(node: Process, described: Described) -> None:
    asked = node.tools.of("node-1").describe(PICTURE, "photo")
    wait_for(described.waiting, "the tool to wait for the worker", 30)
    assert asked.cancel()
    wait_for(lambda: not waiting_threads(), "the thread to end while the worker is busy", 30)
    assert described.number() == 0


@pytest.mark.parametrize("asks", ["gateway", "node"])
def test_a_tool_that_takes_too_long_does_not_run_later(
    asks: str, request: pytest.FixtureRequest, described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "TIMEOUT_S", 0.1)
    process: Process = request.getfixturevalue(asks)
    with pytest.raises(EngineUnavailable, match="busy"):
        process.tools.of("node-1").describe(PICTURE, "photo").result(30)
    wait_for(lambda: not waiting_threads(), "the threads of both to end while the worker is busy", 30)
    assert described.waiting() == 1 and described.number() == 0


def test_a_request_that_was_lost_is_sent_to_the_node_that_listens_again(
    gateway: Process, node: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools_module, "REPEAT_S", 3600)
    (prompt,) = gateway.resolved(3)
    node.stop_listening()
    sent = gateway.sender.sent
    texts = gateway.tools.prompts().expand([prompt])
    wait_for(lambda: gateway.sender.sent > sent, "the request to be sent", 30)
    node.listen(says_hello=True)
    assert texts.result(120) == ["xxx"] and node.prompts.asked == 1


def test_a_request_without_an_answer_is_sent_once_more(
    gateway: Process, node: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools_module, "REPEAT_S", LOOK_S)
    looks = [node.stop_listening, node.listen]  # before the request is sent, and after the first wait for its answer

    def has_gone() -> bool:
        if looks:
            looks.pop(0)()
        return False

    options = {"parameters": {"length": 3}, "seed": 1, "indexes": [0]}
    assert len(gateway.tools.ask("node-1", RESOLVE, options, None, has_gone)["prompts"]) == 1


def test_an_answer_that_was_lost_is_sent_again(
    gateway: Process, node: Process, expansions: Callable[[], Future[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools_module, "REPEAT_S", 0)
    texts = expansions()
    wait_for(lambda: node.prompts.asked, "the node to be asked", 30)
    gateway.tools.repeat()  # while it is being answered
    gateway.tools.look(30)
    gateway.stop_listening()
    sent = node.sender.sent
    node.prompts.open.set()
    wait_for(lambda: node.sender.sent > sent, "the answer to be sent", 30)
    gateway.listen(says_hello=True)
    assert texts.result(120) == ["xxx"] and node.prompts.asked == 1


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
