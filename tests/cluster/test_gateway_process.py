"""A gateway as a process of its own: it serves without Fooocus, torch and Gradio, and ends in order."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from fooocus_api.gateway.flags import read_flags
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.host import ROOT, answers, free_port

SCRIPT = ROOT / "tests" / "support" / "hosts" / "gateway_process.py"


class Running:
    """A gateway that runs, or has ended."""

    def __init__(self, catalogue: Path, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, str(SCRIPT), str(ROOT), str(catalogue), str(folder), "--port", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_for(lambda: answers(self.url) or self.process.poll() is not None, "the gateway to answer", 60)

    def end(self) -> str:
        """End it by SIGTERM, and return its output."""
        self.process.terminate()
        said, _ = self.process.communicate(timeout=60)
        return said


@pytest.fixture
def gateway(written_file: Path, tmp_path: Path) -> Iterator[Running]:
    running = Running(written_file, tmp_path)
    yield running
    running.process.kill()
    running.process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is another thing on Windows")
def test_it_serves_without_fooocus(gateway: Running, written_file: Path, tmp_path: Path) -> None:
    for path in ("/docs", "/dashboard", "/guide/", "/v1/openapi.json"):
        assert requests.get(gateway.url + path, timeout=60).status_code == 200, path
    info = requests.get(f"{gateway.url}/v1/info", timeout=60).json()
    assert info["fooocus_version"] == "2.5.5-demo" and info["supported"] and not info["webui"]
    body = {"prompt": "a lighthouse", "async_process": True}
    accepted = requests.post(f"{gateway.url}/v1/engine/generate", json=body, timeout=60)
    assert accepted.ok, accepted.text
    task_id = accepted.json()["task_id"]
    unknown = requests.post(f"{gateway.url}/v1/engine/generate", json={"base_model_name": "none.x"}, timeout=60)
    assert unknown.status_code == 422
    refused = requests.post(f"{gateway.url}/v1/engine/unload", timeout=60)
    assert refused.status_code == 503 and "gateway" in refused.json()["detail"]
    said = gateway.end()
    assert gateway.process.returncode == 128 + signal.SIGTERM and "imported: []" in said and "Traceback" not in said
    later = Running(written_file, tmp_path)
    try:
        assert requests.get(f"{later.url}/tasks/{task_id}", timeout=60).json()["task_status"] == "pending"
    finally:
        later.end()


def test_a_gateway_needs_the_nodes_database(capsys: pytest.CaptureFixture[str]) -> None:
    for flags in ([], ["--api-db", "sqlite:///x"]):
        with pytest.raises(SystemExit):
            read_flags(flags)
        assert "the PostgreSQL of the nodes" in capsys.readouterr().err
    settings = read_flags(["--api-db", "postgresql://db/x", "--listen", "--max-pending", "5", "--log-level", "debug"])
    assert (settings.listen, settings.port, settings.max_pending, settings.log_level) == ("0.0.0.0", 7865, 5, "debug")


@pytest.mark.parametrize("flag", ["--nowebui", "--api-port=1", "--model-disk-reserve=3"])
def test_flags_of_a_host_are_refused(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_flags(["--api-db", "postgresql://db/x", flag])
    assert "unrecognized arguments" in capsys.readouterr().err
