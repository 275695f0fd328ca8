"""Hostile input: each gets the status in its table, and leaves the host working and without residue."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fooocus_api.tests.api.test_bad_requests import what_is_there
from fooocus_api.tests.images.test_inputs import upload
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

from .pictures import PICTURES
from .requests import REQUESTS

SLOW = (
    "gif-with-a-comment-in-single-bytes",
    "png-with-a-gigabyte-behind-its-pixels",
    "tiff-of-64-megapixels-of-nothing",
    "tiff-with-a-gigabyte-behind-its-pixels",
    "png-with-a-gigabyte-of-ztxt",
    "png-of-64-megapixels-with-four-rows",
)
"""Pictures that take a quarter of a minute or more, each with a like one that takes less."""


@dataclass
class Target:
    """A host, the files it accepted, and the measurements: name → seconds until the answer, longest wait of another client."""

    host: Host
    client: Client
    other: subprocess.Popen[str]
    kept: set[str] = field(default_factory=set)
    measured: dict[str, tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measure the block, including the longest wait of another client."""
        self._longest_wait()
        began = time.perf_counter()
        yield
        self.measured[name] = (time.perf_counter() - began, self._longest_wait())

    def _longest_wait(self) -> float:
        assert self.other.stdin is not None and self.other.stdout is not None
        self.other.stdin.write("\n")
        self.other.stdin.flush()
        return float(self.other.stdout.readline())


@pytest.fixture(scope="module", params=["demo", pytest.param("real", marks=pytest.mark.real)])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    host = request.getfixturevalue(request.param)
    watch = (sys.executable, str(Path(__file__).with_name("watch.py")), "127.0.0.1", str(host.port))
    other = subprocess.Popen(watch, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    target = Target(host, Client(host.url, patience=60), other)
    target.client.draw()  # the first task loads the models
    before = what_is_there(host)
    memory = peak_memory(host)
    yield target
    other.kill()
    other.communicate()
    target.client.has_tasks(running=0)
    after = what_is_there(host)
    assert {path.name for path in after["files"] - before["files"]} <= target.kept
    assert (after["rows"], after["tasks"]) == (before["rows"], before["tasks"])
    assert target.client.draw()["task_status"] == "finished"
    print(f"\n{request.param}: peak memory {memory} MiB before, {peak_memory(host)} MiB after")
    print(f"{'input':45} {'answer':>10} {'others wait':>12}")
    for name, (seconds, wait) in sorted(target.measured.items(), key=lambda item: -item[1][1])[:20]:
        print(f"{name:45} {seconds * 1000:7.0f} ms {wait * 1000:9.0f} ms")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.nightly) if name in SLOW else name for name in PICTURES]
)
def test_a_picture(target: Target, name: str) -> None:
    make, status = PICTURES[name]
    content = make()
    with target.timed(name):
        response = upload(target.client, content, "x.html" if "html" in name else "x.jpg")
    assert response.status_code == status, response.text
    if status != 201:
        assert response.headers["content-type"] == "application/problem+json"
        return
    file_name = response.json()["file_name"]
    target.kept.add(file_name)
    served = target.client.get(f"/inputs/{file_name}")
    assert served.headers["content-type"].startswith("image/") and served.headers["x-content-type-options"] == "nosniff"
    converted = target.client.get(f"/inputs/{file_name}", headers={"Accept": "image/png"})
    assert converted.status_code == 200
    assert target.client.post("/v1/tools/describe-image", json={"image": file_name}).status_code == 200


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request(target: Target, name: str) -> None:
    send, expected = REQUESTS[name]
    with target.timed(name):
        status = send(target.client)
    assert status in (expected if isinstance(expected, tuple) else (expected,))


def test_there_are_enough() -> None:
    assert len(PICTURES) + len(REQUESTS) >= 60


def peak_memory(host: Host) -> int | None:
    """Return the host's peak memory in MiB, or None if the system does not report it."""
    assert host.process is not None
    status = Path("/proc", str(host.process.pid), "status")
    if not status.exists():
        return None
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) // 1024
