"""The console window is closed, or Ctrl-Break pressed, in the midst of a task: it is put back, and nothing is lost."""

from __future__ import annotations

import ctypes
import gc
import logging
import sys
import threading
from collections.abc import Iterator
from ctypes import wintypes
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.adapters import console_close
from fooocus_api.adapters.console_close import ConsoleClose
from fooocus_api.adapters.hooks import Hooks
from fooocus_api.tasks import events
from fooocus_api.tasks.task import TaskError
from fooocus_api.tests.as_on_windows import CLOSED, FAILURES, SIGNALS
from fooocus_api.tests.client import Client, wait_for
from fooocus_api.tests.host import DEMO, ROOT, Host
from fooocus_api.tests.world import World

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = pytest.mark.parametrize("event", [1, 2], ids=["Ctrl-Break", "closed window"])
PATIENCE = 20
"""Seconds after which a handler hangs, whose time is a fraction of one."""
FLAGS = ("--disable-in-browser", "--disable-analytics", "--demo-load-ms", "0", "--demo-step-ms")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a disk waits for that takes no more."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler's time is up before a test's patience is."""
    monkeypatch.setattr(console_close, "WITHIN_SECONDS", 0.3)


def submit(world: World, prompt: str = "a cat") -> str:
    return world.run(world.service.intake.submit({"prompt": prompt})).task.task_id


def handler(world: World) -> ConsoleClose:
    return ConsoleClose(world.service.leave, world.service.close)


def handled(world: World, event: int) -> bool:
    """Return what the handler returns, which must be in time: a test whose handler hangs fails."""
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(handler(world).on_event(event)), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    return answers[0]


def images(world: World) -> set[str]:
    return {path.name for path in world.outputs.iterdir()}


def drawn_again(world: World, task_id: str) -> dict[str, Any]:
    """Start the next process and draw the task: its row, when it lists all that lies in the outputs."""
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
    world.service._tracker._slow.submit(stuck.wait)
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
    world.service.close()
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
    monkeypatch.setattr(world.machine, "save_array", save_array)
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
    assert world._gate is not None
    world._gate.set()
    world._gate = None
    wait_for(lambda: world.rows()[task_id]["status"] == "pending", "the row to be written after all")
    wait_for(lambda: not world.repository._writer._thread.is_alive(), "the writer to end")
    world.repository._connection.close()
    drawn_again(world, task_id)


def test_a_reader_that_hangs_does_not_hold_it(world: World, soon: None, stuck: threading.Event) -> None:
    task_id = submit(world)
    world.machine.start()
    world.settle()
    world.repository.read(stuck.wait)
    assert handled(world, 2) is False
    assert world.rows()[task_id]["status"] == "pending"
    drawn_again(world, task_id)


@pytest.mark.parametrize("failed", [False, True])
def test_an_end_that_comes_at_that_moment_is_kept(world: World, failed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its event waits for the bus when the task is put back: the end is written over that, and stays."""
    task_id, next_id = submit(world), submit(world, "the next")
    world.machine.start()
    world.machine.save(reported=True)
    world.settle()
    put_back = world.service._recovery.put_back

    def ends_first(task: Any) -> None:
        put_back(task)
        world.repository.write(lambda: None).result(30)
        assert world.rows()[task_id]["status"] == "pending"
        error = TaskError("Broken", "in the last moment") if failed else None
        world.machine.end(error, grid=False, forgets=False, twice=False)
        world.machine.start()  # the next one begins, and is not told apart from one that waits

    monkeypatch.setattr(world.service._recovery, "put_back", ends_first)
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
    put_back = world.service._recovery.put_back

    def ended_before(task: Any) -> None:
        world.machine.end(TaskError("Broken", "just now"), grid=False, forgets=False, twice=False)
        wait_for(lambda: world.rows()[task_id]["status"] == "failed", "the end to be written")
        put_back(task)

    monkeypatch.setattr(world.service._recovery, "put_back", ended_before)
    handler(world).on_event(1)
    assert world.rows()[task_id]["status"] == "failed"


def test_a_task_that_begins_and_ends_meanwhile_is_written_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = submit(world)
    close = world.service.webhooks.close

    def draws() -> None:
        world.machine.start()
        world.machine.save(reported=True)
        world.machine.end(None, grid=False, forgets=False, twice=False)
        close()

    monkeypatch.setattr(world.service.webhooks, "close", draws)
    handler(world).on_event(2)
    row = world.rows()[task_id]
    assert (row["status"], row["attempts"]) == ("finished", 1) and row["started_at"] > 0
    assert set(row["images"]) == images(world)


def test_a_start_that_is_told_late_does_not_undo_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker took the task before the window was closed, and its event comes after the rows were put back."""
    task_id = submit(world)
    close = world.service.webhooks.close

    def late() -> None:
        world.bus.emit(events.Started(task_id))
        close()

    monkeypatch.setattr(world.service.webhooks, "close", late)
    handler(world).on_event(2)
    row = world.rows()[task_id]
    assert (row["status"], row["attempts"], row["started_at"]) == ("pending", 0, -1)


def test_the_usual_end_waits_for_one_that_has_begun(world: World, stuck: threading.Event) -> None:
    """`atexit` ends the process when it returns: it must not while the handler's thread puts tasks back."""
    world.service._tracker._slow.submit(stuck.wait)
    closing = threading.Thread(target=lambda: world.service.close(60))
    closing.start()
    wait_for(lambda: world.service._closed, "the handler to close")
    usual = threading.Thread(target=world.service.close)
    usual.start()
    assert not world.service._is_closed.is_set() and usual.is_alive()
    stuck.set()
    for thread in (usual, closing):
        thread.join(30)
        assert not thread.is_alive()
    assert world.repository._closed


def test_waiters_are_let_go_first_and_a_failure_keeps_nothing_from_being_done() -> None:
    said: list[Any] = []

    def leave() -> None:
        said.append("leave")
        raise RuntimeError("no loop")

    assert ConsoleClose(leave, said.append).on_event(2) is False
    assert said == ["leave", console_close.WITHIN_SECONDS]
    assert console_close.WITHIN_SECONDS < 5  # then Windows ends the process


@pytest.mark.parametrize("event", [0, 3, 5, 6, 99])
def test_other_events_are_others(event: int) -> None:
    said: list[Any] = []
    assert ConsoleClose(lambda: said.append("leave"), said.append).on_event(event) is False
    assert said == []


class Kernel32:
    """As much of Windows's library as a handler needs: what was registered, as Windows keeps it, by its address alone."""

    def __init__(self, refuses: bool = False) -> None:
        self.addresses: list[int] = []
        self.calls: list[tuple[int, bool]] = []
        kernel32 = self

        class SetConsoleCtrlHandler:
            argtypes: Any = None
            restype: Any = None

            def __call__(self, callback: Any, add: bool) -> int:
                kind, flag = self.argtypes
                assert isinstance(callback, kind) and flag is wintypes.BOOL and self.restype is wintypes.BOOL
                address = ctypes.cast(callback, ctypes.c_void_p).value
                assert address is not None
                kernel32.calls.append((address, add))
                if refuses:
                    return 0
                kernel32.addresses.append(address) if add else kernel32.addresses.remove(address)
                return 1

        self.SetConsoleCtrlHandler = SetConsoleCtrlHandler()

    def press(self, event: int) -> int:
        """Call the newest handler; what it answers."""
        made = ctypes.CFUNCTYPE(wintypes.BOOL, wintypes.DWORD)
        return int(made(self.addresses[-1])(event))


@pytest.fixture
def at_exit(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is to be called when Python ends."""
    functions: list[Any] = []
    monkeypatch.setattr("fooocus_api.adapters.console_close.atexit.register", functions.append)
    return functions


@pytest.fixture
def kernel32(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Kernel32:
    """Windows's library, on any system."""
    library = Kernel32(getattr(request, "param", False))

    def load(name: str, use_last_error: bool) -> Kernel32:
        assert (name, use_last_error) == ("kernel32", True)
        return library

    monkeypatch.setattr(ctypes, "WinDLL", load, raising=False)
    monkeypatch.setattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: 6, raising=False)
    monkeypatch.setattr(ctypes, "WinError", lambda code: OSError(code, "The handle is invalid"), raising=False)
    monkeypatch.setattr("fooocus_api.adapters.console_close.sys.platform", "win32")
    return library


@pytest.mark.parametrize("at_the_end", [False, True], ids=["uninstalled", "Python ends"])
def test_windows_can_call_it_until_it_is_forgotten(at_the_end: bool, kernel32: Kernel32, at_exit: list[Any]) -> None:
    said: list[Any] = []
    hooks = Hooks()
    console = ConsoleClose(lambda: said.append("leave"), said.append)
    console.install(hooks)
    gc.collect()  # Windows has the address alone
    assert kernel32.press(2) == 0 and kernel32.press(0) == 0
    assert said == ["leave", console_close.WITHIN_SECONDS]
    assert len(kernel32.calls) == 1 and len(at_exit) == 1
    if at_the_end:
        at_exit[0]()
    else:
        hooks.uninstall()
    (address, added), (again, removed) = kernel32.calls
    assert address == again and added and not removed and kernel32.addresses == []


@pytest.mark.parametrize("kernel32", [True], indirect=True)
def test_a_console_that_takes_no_handler_is_a_line_in_the_log(
    kernel32: Kernel32, at_exit: list[Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("fooocus_api"), "propagate", True)
    ConsoleClose(lambda: None, lambda _: None).install(Hooks())
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "the console's closing can't be noticed"
    ]
    assert at_exit == [] and len(kernel32.calls) == 1


class WindowsHost(Host):
    """A demo host as on Windows, whose console window can be closed."""

    def _command(self) -> list[str]:
        command = super()._command()
        return [str(ROOT / "tests" / "as_on_windows.py") if part.endswith("extension.py") else part for part in command]

    def close_window(self, event: int) -> int:
        """End it as Windows does; the exit status."""
        assert self.process is not None
        self.process.send_signal(SIGNALS[event])
        return self.process.wait(60)


needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="signals stand for the console's events")


def on_disk(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.glob("*/*.png")}


@needs_signals
@pytest.mark.parametrize(
    ("event", "flags"),
    [(2, ()), (1, ("--nowebui",))],
    ids=["closed window", "Ctrl-Break on the API alone"],
)
def test_a_host_whose_window_is_closed_draws_the_task_again(event: int, flags: tuple[str, ...]) -> None:
    host = WindowsHost(DEMO, flags=(*FLAGS, "50", *flags), patience=90)
    with host:
        client = Client(host.url)
        task_id = client.submit(overwrite_step=20, image_number=3)["task_id"]
        last = client.submit(prompt="after it")["task_id"]
        for _ in range(3):  # an image is there and another begun
            wait_for(lambda: host.status_on_disk(task_id) == "running" and host.images(), "an image")
            assert host.close_window(event) == CLOSED, host.log()[-2000:]
            assert host.status_on_disk(task_id) == "pending"
            host.start()
        record = client.ended(task_id)
        assert (record["task_status"], record["attempts"], len(record["result"])) == ("finished", 1, 3)
        assert client.ended(last)["task_status"] == "finished"
        shown = {url.split("/outputs/")[1] for url in [*record["result"], *client.task(last)["result"]]}
        assert shown == on_disk(host.outputs) and len(shown) == 4
        assert not list((host.outputs / ".fooocus_api" / "unfinished").iterdir())
        assert "Traceback" not in host.log()


@needs_signals
@pytest.mark.parametrize("flags", [(), ("--nowebui",)], ids=["with the WebUI", "API alone"])
def test_a_thousand_failed_accepts_leave_the_port_open(flags: tuple[str, ...]) -> None:
    with WindowsHost(DEMO, flags=(*FLAGS, "5", *flags), env={FAILURES: "1000"}, patience=90) as host:
        answer = Client(host.url).get("/healthz")
        assert answer.status_code == 200
        assert Client(host.url).draw()["task_status"] == "finished"
        assert "Traceback" not in host.log() and "never retrieved" not in host.log()
