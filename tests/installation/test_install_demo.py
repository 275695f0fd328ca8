"""The demo command of README.md, as a newcomer runs it. Runs only in the environment that `--test` makes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import ROOT, answers, detached, free_port
from fooocus_api.tests.support.hosts.installation_copies import INSTALL, assert_refused

pytestmark = pytest.mark.skipif(
    Path(sys.prefix).resolve() != (ROOT / ".venv").resolve(), reason="not run by install.py --test"
)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent another way on Windows")
def test_the_demo_serves_until_ctrl_c() -> None:
    port = free_port()
    flags = ("--disable-in-browser", "--disable-analytics", "--port", str(port), "--demo-step-ms", "0")
    command = [sys.executable, str(INSTALL), "--demo", *flags]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **detached())
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(url) or demo.poll() is not None, "the demo to answer")
        client = Client(url)
        assert client.generate(accept="image/png", prompt="a lighthouse").content.startswith(b"\x89PNG")
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: it reaches every process in the foreground
        said, _ = demo.communicate(timeout=60)
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
    assert demo.returncode == 0, said
    assert "Traceback" not in said
    for hint in (
        f"WebUI      {url}/",
        f"Dashboard  {url}/dashboard",
        f"API        {url}/docs",
        f"curl {url}/v1/engine/generate ",
    ):
        assert hint in said


def test_a_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, str(INSTALL), "--demo", f"--port={port}"]
        done = subprocess.run(command, capture_output=True, text=True)
    assert_refused(done, f"port {port} is in use", "--port")
