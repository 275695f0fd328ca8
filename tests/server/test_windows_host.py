"""A demo host under conditions of Windows: its console window is closed, and accepts fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import AS_ON_WINDOWS, DEMO, Host
from fooocus_api.tests.support.hosts.as_on_windows import CLOSED, FAILURES, SIGNALS

FLAGS = ("--disable-in-browser", "--disable-analytics", "--demo-load-ms", "0", "--demo-step-ms")


class WindowsHost(Host):
    """A demo host as on Windows, whose console window can be closed."""

    def _command(self) -> list[str]:
        command = super()._command()
        return [str(AS_ON_WINDOWS) if part.endswith("extension.py") else part for part in command]

    def close_window(self, event: int) -> int:
        """End the host as Windows does, and return its exit status."""
        assert self.process is not None
        self.process.send_signal(SIGNALS[event])
        return self.process.wait(60)


needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="signals stand for the console's events")


def on_disk(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.glob("*/*.png")}


@needs_signals
@pytest.mark.parametrize(
    ("event", "flags"),
    [
        pytest.param(2, (), id="closed window"),
        pytest.param(1, ("--nowebui",), id="Ctrl-Break on the API alone", marks=pytest.mark.nightly),
    ],
)
def test_a_host_whose_window_is_closed_draws_the_task_again(event: int, flags: tuple[str, ...]) -> None:
    host = WindowsHost(DEMO, flags=(*FLAGS, "50", *flags), patience=90)
    with host:
        client = Client(host.url)
        task_id = client.submit(overwrite_step=20, image_number=3)["task_id"]
        last = client.submit(prompt="after it")["task_id"]
        for _ in range(3):  # one image is complete and another begun
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
