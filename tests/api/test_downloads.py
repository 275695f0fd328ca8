"""Downloads that a preset needs: complete or not at all, before its task generates, without a delay for other tasks."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host, free_port
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

MODEL = (DEMO / "models" / "checkpoints" / "demo_nightfall.safetensors").read_bytes()
PADDED = MODEL + b" " * (1 << 20)
"""The same model, large enough to be seen during the download."""


class Files(ThreadingHTTPServer):
    """Serves PADDED in several ways. The slow ones continue when `go_on` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.go_on = threading.Event()
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Files

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.close_connection = True
        way: Callable[[], None] = getattr(self, self.path.strip("/").partition("/")[0])
        with contextlib.suppress(OSError):  # the client has disconnected
            way()

    def head(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def whole(self) -> None:
        self.head(Content_Length=str(len(PADDED)))
        self.wfile.write(PADDED)

    def slow(self) -> None:
        self.head(Content_Length=str(len(PADDED)))
        self.wfile.write(PADDED[: len(PADDED) // 2])
        self.server.go_on.wait(60)
        self.wfile.write(PADDED[len(PADDED) // 2 :])

    def chunked(self, end: bytes = b"0\r\n\r\n") -> None:
        self.head(Transfer_Encoding="chunked")
        for piece in (PADDED[:1000], PADDED[1000:]):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(end)

    def chunks_without_end(self) -> None:
        self.chunked(b"")

    def none(self) -> None:
        self.head(404, Content_Length="0")

    def broken(self) -> None:
        self.head(Content_Length=str(len(PADDED)))
        self.wfile.write(PADDED[: len(PADDED) // 2])

    def too_long(self) -> None:
        self.head(Content_Length=str(len(PADDED) + 100))
        self.wfile.write(PADDED)

    def no_length(self) -> None:
        self.head()
        self.wfile.write(PADDED)

    def nonsense_length(self) -> None:
        self.head(Content_Length="a lot")
        self.wfile.write(PADDED)

    def page(self) -> None:
        self.head(Content_Type="text/html; charset=utf-8", Content_Length="17")
        self.wfile.write(b"<html>Please wait")

    def log_message(self, *_: Any) -> None:
        """Suppress the request log in the tests' output."""


@contextlib.contextmanager
def serving() -> Iterator[Files]:
    """Yield a server of files that runs within the `with` block."""
    with Files() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.go_on.set()
        server.shutdown()


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("downloads") / "demo")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", "127.0.0.1")
        with demo_host(step_ms=20, checkout=checkout) as running:
            yield running


@pytest.fixture
def wanted(host: Host, files: Files) -> Iterator[Wanted]:
    """Yield a preset whose checkpoint is missing, and remove all that it left behind."""
    files.go_on.clear()
    preset = Wanted(host, files)
    yield preset
    files.go_on.set()
    preset.remove()


class Wanted:
    """A preset that needs a checkpoint, which the server sends in a chosen way."""

    def __init__(self, host: Host, files: Files) -> None:
        self.host, self.files = host, files
        self.folder = host.checkout / "models" / "checkpoints"
        self.presets = host.checkout / "presets"
        self.before = {*self.folder.iterdir(), *self.presets.iterdir()}

    def preset(self, way: str, url: str | None = None) -> str:
        """Write the preset and return its name, which is also the model's."""
        content = {
            "default_model": f"{way}.safetensors",
            "checkpoint_downloads": {f"{way}.safetensors": url or f"{self.files.url}/{way}"},
        }
        (self.presets / f"{way}.json").write_text(json.dumps(content), "utf-8")
        return way

    def new_models(self) -> set[str]:
        """Return the names of new files, including partial ones."""
        return {path.name for path in set(self.folder.iterdir()) - self.before}

    def remove(self) -> None:
        for path in {*self.folder.iterdir(), *self.presets.iterdir()} - self.before:
            path.unlink()


@pytest.mark.parametrize("way", ["whole", "chunked"])
def test_the_file_is_fetched_and_then_drawn_with(host: Host, wanted: Wanted, way: str) -> None:
    client = Client(host.url)
    record = client.draw(preset=wanted.preset(way))
    assert record["task_status"] == "finished" and record["result"]
    assert wanted.new_models() == {f"{way}.safetensors"}
    assert (wanted.folder / f"{way}.safetensors").read_bytes() == PADDED
    record = client.draw(preset=way)
    assert record["req_params"]["base_model_name"] == f"{way}.safetensors"
    assert wanted.files.asked.count(f"/{way}") == 1
    assert f"{way}.safetensors" in client.get("/v1/engines/all-models").json()["model_filenames"]


def test_a_stream_tells_what_is_fetched(host: Host, wanted: Wanted) -> None:
    seen = []
    for event in Client(host.url).stream(preset=wanted.preset("slow")):
        seen.append((event.data["progress"], event.data["message"]))
        if seen[-1] == (50, "Downloading slow.safetensors: 50 %"):
            wanted.files.go_on.set()
    assert wanted.files.go_on.is_set() and seen[-1] == (100, "Finished"), seen


def test_how_far_it_is_is_the_tasks_progress_and_others_go_first(host: Host, wanted: Wanted) -> None:
    client = Client(host.url)
    task_id = client.submit(preset=wanted.preset("slow"))["task_id"]
    wait_for(lambda: client.task(task_id)["progress"] == 50, "half of the file")
    assert client.task(task_id)["task_status"] == "pending"
    assert client.draw(prompt="another one")["task_status"] == "finished"
    assert "gradio_config" in client.get("/").text
    assert client.task(task_id)["task_status"] == "pending"
    assert wanted.new_models() == {"slow.safetensors.part"}
    wanted.files.go_on.set()
    assert client.ended(task_id)["task_status"] == "finished"
    assert wanted.new_models() == {"slow.safetensors"}


def test_a_task_can_be_stopped_while_its_file_is_fetched(host: Host, wanted: Wanted) -> None:
    client = Client(host.url)
    task_id = client.submit(preset=wanted.preset("slow"))["task_id"]
    wait_for(lambda: client.task(task_id)["progress"] == 50, "half of the file")
    assert client.post(f"/tasks/{task_id}/stop").json()["task_status"] == "stopped"
    wanted.files.go_on.set()
    wait_for(lambda: not wanted.new_models(), "the half file to be removed")
    assert client.draw(preset=wanted.preset("whole"))["task_status"] == "finished"
    assert client.task(task_id)["task_status"] == "stopped"


def test_a_task_whose_file_is_fetched_can_not_be_moved_yet(host: Host, wanted: Wanted) -> None:
    client = Client(host.url)
    task_id = client.submit(preset=wanted.preset("slow"))["task_id"]
    wait_for(lambda: client.task(task_id)["progress"] == 50, "half of the file")
    message = f"task {task_id} does not wait in the queue; move only a pending task whose model files are there"
    for action, body in (("move-to-front", None), ("move", {"before": None})):
        refused = client.post(f"/tasks/{task_id}/{action}", json=body)
        assert (refused.status_code, refused.json()["detail"]) == (409, message)
    (alone,) = client.post("/tasks/bulk", json={"ids": [task_id], "action": "front"}).json()["results"]
    assert alone["detail"] == message
    assert client.post(f"/tasks/{task_id}/stop").status_code == 200
    wanted.files.go_on.set()
    wait_for(lambda: not wanted.new_models(), "the half file to be removed")


def test_two_tasks_that_need_one_file_fetch_it_once(host: Host, wanted: Wanted) -> None:
    client, asked = Client(host.url), wanted.files.asked.count("/slow")
    tasks = [client.submit(preset=wanted.preset("slow"))["task_id"] for _ in range(2)]
    wanted.files.go_on.set()
    assert [client.ended(task_id)["task_status"] for task_id in tasks] == ["finished", "finished"]
    assert wanted.files.asked.count("/slow") == asked + 1


BROKEN = {
    "none": "answers 404 Not Found",
    "broken": f"closed after {len(PADDED) // 2} of {len(PADDED)} bytes",
    "too_long": f"closed after {len(PADDED)} of {len(PADDED) + 100} bytes",
    "chunks_without_end": f"closed after {len(PADDED)} bytes",
    "no_length": "does not send the file's size",
    "nonsense_length": "does not send the file's size",
    "page": "a web page instead of the file",
}


@pytest.mark.parametrize("way", BROKEN)
def test_a_file_that_can_not_be_had_fails_the_task_and_leaves_nothing(host: Host, wanted: Wanted, way: str) -> None:
    client = Client(host.url)
    response = client.generate(preset=wanted.preset(way))
    assert response.status_code == 500, response.text
    problem = response.json()
    assert problem["task_status"] == "failed" and problem["error"]["type"] == "DownloadError"
    assert f"{way}.safetensors could not be downloaded from {wanted.files.url}/{way}: " in problem["detail"]
    assert BROKEN[way] in problem["detail"], problem
    assert wanted.new_models() == set()
    assert client.draw(prompt="the next one is fine")["task_status"] == "finished"


def test_nobody_listens_there(host: Host, wanted: Wanted) -> None:
    name = wanted.preset("unreachable", f"http://127.0.0.1:{free_port()}/x")
    record = Client(host.url).ended(Client(host.url).submit(preset=name)["task_id"])
    assert record["task_status"] == "failed" and record["error"]["type"] == "DownloadError"
    assert "HTTPConnectionPool" not in record["error"]["message"]
    assert wanted.new_models() == set()


def test_nothing_is_fetched_where_that_is_switched_off(wanted: Wanted) -> None:
    asked = list(wanted.files.asked)
    with demo_host("--disable-preset-download", checkout=wanted.host.checkout) as host:
        response = Client(host.url).generate(preset=wanted.preset("whole"))
        assert response.status_code == 422, response.text
        assert [error["field"] for error in response.json()["errors"]] == ["base_model_name"]
        assert not wanted.new_models() and wanted.files.asked == asked
