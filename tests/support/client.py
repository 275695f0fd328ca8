"""HTTP client of the API for tests. Knows the wire format, not the server."""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from PIL import Image

from fooocus_api.asgi.error_codes import ErrorCode, FieldErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Record = dict[str, Any]

QUICK = {
    "performance_selection": "Lightning",
    "overwrite_width": 256,
    "overwrite_height": 256,
    "overwrite_step": 1,
    "image_number": 1,
    "style_selections": [],
}
"""Cheapest text-to-image request; a step is what takes the time."""

LONG = {"prompt": "a long one", "overwrite_step": 40}
"""Request that takes a real host on a CPU at least ten seconds, so that a test can act during it."""

ENDED = ("finished", "failed", "stopped", "interrupted")


@dataclass(frozen=True)
class ServerSentEvent:
    """One event of a stream; `name` is "message" if the server names none."""

    name: str
    data: Any


class Client:
    """Client of one host. Bodies are the QUICK request with the given fields on top.

    Args:
        url: address of the host, without a trailing slash.
        key: sent as X-API-KEY with every request.
        patience: timeout of each request in seconds.
    """

    def __init__(self, url: str, key: str | None = None, patience: float = 240) -> None:
        self.url = url
        self.patience = patience
        self.session = requests.Session()
        self.session.trust_env = False  # a proxy must not see requests to 127.0.0.1
        if key:
            self.session.headers["X-API-KEY"] = key

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Send a request; `path` may also be an absolute URL, as in a record's result."""
        url = path if urlsplit(path).scheme else self.url + path
        response = self.session.request(method, url, **{"timeout": self.patience, **arguments})
        assert_problem_has_codes(response)
        return response

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return self.request("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> requests.Response:
        return self.request("POST", path, **arguments)

    def generate(self, *, accept: str | None = None, stream: bool = False, **fields: Any) -> requests.Response:
        """Send POST /v1/engine/generate/ and return the response. `stream` leaves the body unread."""
        headers = {"Accept": accept} if accept else {}
        return self.post("/v1/engine/generate/", json={**QUICK, **fields}, headers=headers, stream=stream)

    def draw(self, **fields: Any) -> Record:
        """Generate synchronously and return the record; fail unless the request succeeds."""
        return _json(self.generate(**fields))

    def submit(self, **fields: Any) -> Record:
        """Submit asynchronously and return the pending record; fail unless the request is accepted."""
        return _json(self.generate(async_process=True, **fields))

    def stream(self, **fields: Any) -> Iterator[ServerSentEvent]:
        """Yield the events of a streamed request as they arrive."""
        with self.generate(stream=True, stream_output=True, **fields) as response:
            assert response.status_code == 200, response.text
            yield from events(response)

    def task(self, task_id: str) -> Record:
        """Get /tasks/{task_id}."""
        return _json(self.get(f"/tasks/{task_id}"))

    def tasks(self, **query: Any) -> dict[str, list[Record]]:
        """Get /tasks."""
        return _json(self.get("/tasks", params=query))

    def ended(self, task_id: str) -> Record:
        """Wait until the task has ended in any way. Return its record."""
        return self.until(task_id, *ENDED)

    def until(self, task_id: str, *statuses: str) -> Record:
        """Wait until the task has one of these statuses and return its record. Fail if it ends with another."""

        def look() -> Record | None:
            record = self.task(task_id)
            return record if record["task_status"] in (*statuses, *ENDED) else None

        record = wait_for(look, f"task {task_id} to be {' or '.join(statuses)}", self.patience)
        assert record["task_status"] in statuses, record
        return record

    def image(self, url: str, **arguments: Any) -> Image.Image:
        """Return the image behind a record's URL."""
        response = self.get(url, **arguments)
        assert response.status_code == 200, response.text
        return picture(response.content)

    def has_tasks(self, *, running: int, pending: int = 0) -> None:
        """Wait until, at one moment, these numbers of tasks are running and pending, from all clients."""
        expected = {"running": running, "pending": pending}
        wait_for(lambda: self.get("/v1/info").json()["tasks"] == expected, f"tasks to be {expected}")

    def control(self, action: str) -> requests.Response:
        """Send POST /v1/engine/control/?action=stop|skip."""
        return self.post("/v1/engine/control/", params={"action": action})


def without_repeats(record: Record) -> Record:
    """Return a task's single record as lists, events and webhooks have it: without the repetition of each image."""
    members = ("repeat", "exact", "differences")
    images = [{name: image[name] for name in image if name not in members} for image in record["images"]]
    return {**record, "images": images}


def assert_problem_has_codes(response: requests.Response) -> None:
    """Fail if a problem document lacks its code, or one of its `errors` does; each code has one status."""
    if response.headers.get("content-type") != "application/problem+json" or not response.content:  # HEAD has no body
        return
    problem = response.json()
    statuses = {code.value: code.status for code in ErrorCode}
    assert problem["status"] == response.status_code == statuses[problem["code"]], problem
    assert {error["code"] for error in problem.get("errors", ())} <= {code.value for code in FieldErrorCode}, problem


def picture(content: bytes) -> Image.Image:
    """Decode an image from bytes, to its last row."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def events(response: requests.Response) -> Iterator[ServerSentEvent]:
    """Yield the server-sent events in a response's body. Comments are skipped."""
    name = "message"
    data: list[str] = []
    for raw in response.iter_lines(chunk_size=None):  # as they arrive
        line = raw.decode("utf-8")
        if not line:
            if data:
                yield ServerSentEvent(name, json.loads("\n".join(data)))
            name, data = "message", []
        elif line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))


def wait_for(look: Callable[[], Any], what: str, patience: float = 120) -> Any:
    """Poll `look` until it returns something true, and return that. For conditions that no open request can report.

    Raises:
        AssertionError: `look` stayed false; the message names `what` was waited for.
    """
    end = time.monotonic() + patience
    pause = 0.01  # most waits are short
    while not (seen := look()):
        assert time.monotonic() < end, f"waited {patience:.0f} s for {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return seen


def _json(response: requests.Response) -> Any:
    assert response.status_code == 200, f"{response.status_code} {response.text}"
    return response.json()
