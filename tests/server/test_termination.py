"""SIGTERM, as sent by `docker stop` and systemd: the same shutdown as for Ctrl-C, with exit status 143."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import ROOT, demo_host

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
STATUS = 143
WEBUI_AND_ALONE = [(), pytest.param(("--nowebui",), marks=pytest.mark.nightly)]
"""Flags of hosts with the WebUI, and without it, which `test_several_at_once_are_one` ends in each run."""


def terminate(host: Host, times: int = 1) -> int:
    """Send that many signals and return the exit status."""
    assert host.process is not None
    for _ in range(times):
        host.process.send_signal(signal.SIGTERM)
    return host.process.wait(30)


@pytest.mark.parametrize("flags", WEBUI_AND_ALONE, ids=["with the WebUI", "API alone"])
def test_it_ends_as_by_ctrl_c(demo_factory: DemoFactory, flags: tuple[str, ...]) -> None:
    host = demo_factory(*flags, step_ms=50)
    client = Client(host.url)
    answered: list[requests.Response] = []
    told: list[tuple[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: answered.append(client.generate(overwrite_step=100))),
        threading.Thread(target=lambda: told.extend((e.name, e.data) for e in client.stream(overwrite_step=100))),
    ]
    for thread in threads:
        thread.start()
        client.has_tasks(running=1, pending=threads.index(thread))
    assert terminate(host) == STATUS
    for thread in threads:
        thread.join(30)
    assert answered[0].json()["code"] == "shutting_down"
    assert told[-1][0] == "error" and told[-1][1]["status"] == 503
    assert "Traceback" not in host.log()
    task_id = answered[0].headers["x-task-id"]
    for _ in range(2):
        assert host.status_on_disk(task_id) == "pending"
        host.start()
        client.until(task_id, "running")
        assert terminate(host) == STATUS
    host.start()
    record = client.ended(task_id)
    assert record["task_status"] == "finished" and record["attempts"] == 1
    assert len(record["result"]) == 1


@pytest.mark.parametrize("flags", [(), ("--nowebui",)], ids=["with the WebUI", "API alone"])
def test_several_at_once_are_one(demo_factory: DemoFactory, flags: tuple[str, ...]) -> None:
    host = demo_factory(*flags, step_ms=50)
    task_id = Client(host.url).submit(overwrite_step=100)["task_id"]
    Client(host.url).until(task_id, "running")
    assert terminate(host, 5) == STATUS
    assert host.status_on_disk(task_id) == "pending"


@pytest.mark.parametrize("every", [16, pytest.param(2, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("flags", WEBUI_AND_ALONE, ids=["with the WebUI", "API alone"])
def test_it_ends_also_while_it_starts(flags: tuple[str, ...], every: int) -> None:
    """Send the signal at any moment from the first import to the first answer."""
    host = demo_host(*flags)
    try:
        for tenths in range(2, 40, every):
            host.outputs.mkdir(exist_ok=True)
            host.temp.mkdir(exist_ok=True)
            with host._log_file.open("ab") as log:
                host.process = subprocess.Popen(  # with all its imports still to come
                    host._command(),
                    cwd=host.checkout,
                    env=host._environment(),
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            try:
                host.process.wait(tenths / 10)
            except subprocess.TimeoutExpired:
                assert terminate(host) in (STATUS, -signal.SIGTERM), host.log()[-2000:]
        host.start()
        assert Client(host.url).draw()["task_status"] == "finished"
    finally:
        host.close()


def test_where_somebody_else_has_the_signal_it_stays_theirs() -> None:
    from fooocus_api.adapters.patching.hooks import Patches
    from fooocus_api.adapters.startup.termination import Termination

    before = signal.getsignal(signal.SIGTERM)
    own = lambda *_: None  # noqa: E731  # a handler that is recognisable
    try:
        signal.signal(signal.SIGTERM, own)
        Termination().install(Patches())
        assert signal.getsignal(signal.SIGTERM) is own
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        hooks = Patches()
        Termination().install(hooks)
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        hooks.uninstall()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def signalled(body: str) -> tuple[int, str, str]:
    """Run a script, send it SIGTERM once it has printed `ready`, and return its exit status and its further outputs."""
    with subprocess.Popen(
        [sys.executable, "-c", body], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        said, complained = process.communicate(timeout=30)
    return process.returncode, said, complained


STARTING = """
import sys, time
sys.path.insert(0, {root!r})
from load_package import load_package
load_package()
from fooocus_api.adapters.startup import termination
from fooocus_api.adapters.patching.hooks import Patches

termination.REPEAT_S = 0.2
termination.Termination().install(Patches())
try:
    print("ready", flush=True)
    time.sleep(60)
except BaseException as error:
    {reaction}
time.sleep(60)
"""


@pytest.mark.parametrize(
    "reaction", ["raise RuntimeError('not imported') from error", "pass"], ids=["wraps", "discards"]
)
def test_a_library_that_takes_the_exit_of_a_start_for_its_own_error_holds_nothing_up(reaction: str) -> None:
    body = STARTING.format(root=str(ROOT), reaction=reaction)
    assert signalled(body) == (STATUS, "", "")


LOST = """
import sys, time
sys.path.insert(0, {root!r})
from load_package import load_package
load_package()
from fooocus_api.adapters.startup import termination
from fooocus_api.adapters.patching.hooks import Patches

termination.REPEAT_S = 0.2
ending = termination.Termination()
ending.install(Patches())
ending.begin_serving()


class Swallows:
    def __del__(self):
        print("ready", flush=True)
        time.sleep(1)


try:
    swallows = Swallows()
    del swallows
    time.sleep(60)
except KeyboardInterrupt:
    print("left", flush=True)
"""


def test_a_signal_that_is_lost_in_a_destructor_is_sent_again() -> None:
    body = LOST.format(root=str(ROOT))
    assert signalled(body)[1] == "left\n"
