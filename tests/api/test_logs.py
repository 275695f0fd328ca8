"""Log lines: one per event with the task's id, as text or JSON, not duplicated and without private data."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tqdm import tqdm

from fooocus_api.adapters.startup.console_logging import NAME, Logs
from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import ROOT, Host, demo_host
from fooocus_api.tests.support.servers.webhook_receiver import Receiver

KEY = "a-secret-key"
PROMPT = "unmistakable prompt"
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[Fooocus API\] (.*)$", re.MULTILINE)
LINES = r"log\.(debug|info|warning|error|exception)"
OBJECT = re.compile(r'\{"time": .*$', re.MULTILINE)
"""A log line is complete with its line end, but the host's threads may have begun one before it on the same console."""


@pytest.fixture(scope="module")
def written() -> Iterator[tuple[Host, dict[str, str]]]:
    """Yield a host that logs JSON, and the ids of tasks that ended in several ways."""
    flags = ("--nowebui", "--apikey", KEY, "--log-json", "--allow-private-urls", "127.0.0.0/8")
    with demo_host(*flags, step_ms=20) as host, Receiver() as receiver:
        client = Client(host.url, KEY)
        done = client.draw(prompt=PROMPT, negative_prompt=PROMPT)
        client.generate(prompt=PROMPT, uov_method="Upscale (Fast 2x)", uov_input_image=done["result"][0])
        running = client.submit(prompt=PROMPT, overwrite_step=60)
        waiting = client.submit(prompt=PROMPT)
        client.until(running["task_id"], "running")
        client.post(f"/tasks/{waiting['task_id']}/stop")
        client.post(f"/tasks/{running['task_id']}/stop")
        client.ended(running["task_id"])
        client.get(done["result"][0])
        Client(host.url, "wrong").get("/v1/info")
        client.get("/v1/info", headers={"Host": "evil.example"})
        client.post("/v1/engine/control?action=stop", headers={"Origin": "https://evil.example"})
        sent = client.draw(webhook_url=receiver.url)["task_id"]
        told = f"/tasks/{sent}/webhooks"
        wait_for(lambda: client.get(told).json()["webhook_status"] == "delivered", "the webhook to be delivered")
        host.stop()
        ids = {"done": done["task_id"], "sent": sent, "running": running["task_id"], "waiting": waiting["task_id"]}
        yield host, ids


@pytest.fixture(scope="module")
def quick() -> Iterator[Host]:
    with demo_host("--nowebui") as host:
        yield host


def objects(host: Host) -> list[dict[str, Any]]:
    return [json.loads(line) for line in OBJECT.findall(host.log())]


def events_of(host: Host, task_id: str) -> list[str]:
    return [line["event"] for line in objects(host) if line.get("task_id") == task_id]


def test_each_event_of_a_task_is_one_line(written: tuple[Host, dict[str, str]]) -> None:
    host, ids = written
    assert events_of(host, ids["done"]) == ["task queued", "task started", "task finished"]
    assert events_of(host, ids["running"]) == ["task queued", "task started", "task stopped"]
    assert events_of(host, ids["waiting"]) == ["task queued", "task stopped"]
    end = next(line for line in objects(host) if line["event"] == "task finished" and line["task_id"] == ids["done"])
    assert end["level"] == "info" and end["logger"] == "fooocus_api.tasks" and end["images"] == 1 and end["seconds"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", end["time"])


def test_what_came_of_a_webhook_is_told_with_its_task(written: tuple[Host, dict[str, str]]) -> None:
    host, ids = written
    assert events_of(host, ids["sent"]) == ["task queued", "task started", "task finished", "webhook attempted"]
    tried = next(line for line in objects(host) if line["event"] == "webhook attempted")
    assert (tried["task_id"], tried["state"], tried["attempt"], tried["status"]) == (ids["sent"], "delivered", 1, 200)


@pytest.mark.parametrize("room", ["adapters", "api", "commands", "db", "tasks"])
def test_what_differs_from_time_to_time_is_beside_an_event_and_not_in_it(room: str) -> None:
    calls = [
        (file.name, call)
        for file in (ROOT / room).rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and re.fullmatch(LINES, ast.unparse(call.func))
    ]
    assert calls or room == "commands"
    for name, call in calls:
        assert len(call.args) == 1 and isinstance(call.args[0], ast.Constant), f"{name}: {ast.unparse(call)}"


def test_what_was_refused_is_told(written: tuple[Host, dict[str, str]]) -> None:
    refused = [line for line in objects(written[0]) if "rejected" in line["event"]]
    assert {(line["event"], line.get("host"), line.get("origin")) for line in refused} == {
        ("host rejected", "evil.example", None),
        ("cross-origin request rejected", None, "https://evil.example"),
    }


def test_no_secret_no_prompt_and_no_image_is_told(written: tuple[Host, dict[str, str]]) -> None:
    ours = json.dumps(objects(written[0]))
    for private in (KEY, PROMPT, "outputs/", "inputs/", ".png", "signature", "expires", "wrong"):
        assert private not in ours, private


def test_as_text_by_default(demo_factory: DemoFactory) -> None:
    host = demo_factory("--nowebui")
    task_id = Client(host.url).draw(prompt=PROMPT)["task_id"]
    host.stop()
    told = [line for line in LINE.findall(host.log()) if task_id in line]
    assert len(told) == 3
    assert told[0] == f"task queued task_id={task_id} source=api"
    assert re.fullmatch(rf"task finished task_id={task_id} images=1 seconds=[\d.]+", told[2])


def test_less_and_more_is_told_on_request(demo_factory: DemoFactory) -> None:
    quiet, loud = demo_factory("--nowebui", "--log-level", "warning"), demo_factory("--nowebui", "--log-level", "debug")
    for host in (quiet, loud):
        Client(host.url).draw(prompt=PROMPT)
        host.stop()
    assert "task finished" not in quiet.log()
    assert f'prompt="{PROMPT}"' in loud.log()


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", ["/v1/engine/generate", "/inputs", "/v1/tools/describe-image"])
def test_a_client_that_leaves_in_the_midst_of_its_request_is_no_error(quick: Host, path: str, kind: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: 100000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", quick.port)) as connection:
        connection.sendall(f'{head}--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'.encode())
        connection.sendall(b"the first half" * 1000)
        time.sleep(0.2)  # the server is reading it
    Client(quick.url).draw()
    quick.stop()
    log = quick.log()
    quick.start()
    assert "Traceback" not in log and "request failed" not in log and "task finished" in log


# ---------------------------------------------------------------------------- formatting


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[Logs]:
    logs = Logs()
    logs.start()
    yield logs
    logs.stop()


def test_a_line_stays_a_line(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger(f"{NAME}.tests")
    log.info(
        "request\nrefused",
        extra={"origin": "a\nb [Fooocus API] task finished", "path": 'x="y"', "empty": "", "none": None},
    )
    log.warning("%d things", 3)
    logs.stop()
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(r'"request\nrefused" origin="a\nb [Fooocus API] task finished" path="x=\"y\"" empty=""')
    assert second.endswith("[Fooocus API] WARNING: 3 things")


def test_what_went_wrong_is_told_with_it(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger(f"{NAME}.tests")
    logs.configure("info", as_json=True)
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("it failed", extra={"task_id": "x", "when": Logs})
    logs.stop()
    line = json.loads(capsys.readouterr().out)
    assert line["event"] == "it failed" and line["task_id"] == "x" and "ValueError: broken" in line["exception"]
    assert line["level"] == "error"


def test_nothing_is_told_twice_and_others_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    root, log = logging.getLogger(), logging.getLogger(f"{NAME}.tests")
    elsewhere = io.StringIO()
    handler = logging.StreamHandler(elsewhere)
    root.addHandler(handler)
    level, handlers = root.level, list(root.handlers)
    logs = Logs()
    try:
        logs.start()
        log.warning("own")
        logging.getLogger("theirs").warning("theirs")
        logs.stop()
        logs.stop()
        log.warning("afterwards")
    finally:
        root.removeHandler(handler)
    assert capsys.readouterr().out.count("own") == 1
    assert elsewhere.getvalue().splitlines() == ["theirs", "afterwards"]
    assert root.level == level and handlers == [*root.handlers, handler]


def test_a_progress_bar_is_not_torn(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    with tqdm(total=3, file=sys.stderr, mininterval=0) as bar:
        bar.update(1)
        logging.getLogger(f"{NAME}.tests").info("task queued")
        logs.stop()
        bar.update(2)
    captured = capsys.readouterr()
    assert captured.out.endswith("task queued\n") and captured.out.count("\n") == 1
    assert "task queued" not in captured.err


def test_a_console_that_has_gone_takes_nothing_with_it(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    logging.getLogger(f"{NAME}.tests").info("task queued")
    logs.stop()
