"""Concurrent clients, some of which disconnect: each gets its own images, and every record is consistent at any time."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.tests.support.client import ENDED, QUICK, Client, Record, wait_for, without_repeats
from fooocus_api.tests.support.host import Host, demo_host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser

STEPS = 8
PAUSE_S = 0.02
"""Pause between two looks of a watcher, less than a step, so that it leaves the processor to the host."""


class Watcher:
    """Poller that reads the lists and every known task again and again and records contradictions."""

    def __init__(self, host: Host) -> None:
        self.problems: list[str] = []
        self.looks = 0
        self.seen: dict[str, list[str]] = {}
        self._last: dict[str, Record] = {}
        self._owner: dict[str, str] = {}
        self._client = Client(host.url)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        wait_for(lambda: self.problems or self.looks > 3, "four looks")
        self._ended.set()
        self._thread.join()
        assert self.problems == []

    def _watch(self) -> None:
        try:
            while not self._ended.wait(PAUSE_S):
                self._look()
                self.looks += 1
        except Exception as error:
            self.problems.append(f"{type(error).__name__}: {error}")

    def _look(self) -> None:
        lists = self._client.tasks(page_size=100)
        self._expect(len(lists["current"]) <= 1, "more than one runs", lists["current"])
        listed = [record["task_id"] for records in lists.values() for record in records]
        self._expect(len(listed) == len(set(listed)), "a task is in two lists", listed)
        gone = [task_id for task_id in self._last if task_id not in listed]
        self._expect(not gone, "a task is in no list", gone)
        for name, records in lists.items():
            statuses = {"history": ENDED, "current": ("running",), "pending": ("pending",)}[name]
            for record in records:
                self._expect(record["task_status"] in statuses, f"in the list {name}", record)
                self._check(record)
        for task_id in list(self._last):
            self._check(without_repeats(self._client.task(task_id)))

    def _check(self, record: Record) -> None:
        """Check a record, also against its earlier states."""
        task_id, status = record["task_id"], record["task_status"]
        queued, started, finished = (record[f"{name}_mills"] for name in ("in_queue", "start", "finish"))
        self._expect(0 <= record["progress"] <= 100, "progress", record)
        self._expect(record["attempts"] == (started != -1), "attempts", record)
        if status == "pending":
            self._expect(started == finished == -1 and record["progress"] == 0, "a pending one has no times", record)
        elif status == "running":
            self._expect(finished == -1 and started >= queued > 0, "times of a running one", record)
        else:
            self._expect(finished >= max(started, queued) > 0, "times of an ended one", record)
            self._expect(status != "finished" or record["progress"] == 100, "progress of a finished one", record)
            self._expect(bool(record["result"]) or status != "finished", "finished without an image", record)
        before = self._last.setdefault(task_id, record)
        course = self.seen.setdefault(task_id, [])
        if not course or course[-1] != status:
            course.append(status)
        legal = [step for step in ("pending", "running", *ENDED) if step in course]
        self._expect(course == legal and len(set(course) & set(ENDED)) <= 1, "statuses", course)
        for name in ("id", "source", "in_queue_mills"):
            self._expect(record[name] == before[name], f"{name} has changed", record)
        for name in ("start_mills", "finish_mills"):
            self._expect(before[name] in (-1, record[name]), f"{name} has changed", record)
        if before["task_status"] in ENDED:
            self._expect(record == before, "an ended one has changed", [before, record])
        for url in record["result"]:
            self._expect(self._owner.setdefault(url, task_id) == task_id, "an image of another", record)
        self._last[task_id] = record

    def _expect(self, holds: bool, what: str, found: Any) -> None:
        if not holds:
            self.problems.append(f"{what}: {json.dumps(found)[:1500]}")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=50) as host:
        yield host
        host.stop()
        assert "Traceback" not in host.log()


def prompt_in(client: Client, url: str) -> str:
    """Return the prompt in the image's own metadata."""
    return str(json.loads(client.image(url).info["parameters"])["prompt"])


def test_each_gets_its_own_images_and_every_record_is_right_meanwhile(host: Host, browser: Browser) -> None:
    browser.open(host.url).quick(steps=STEPS, images=2)
    together = threading.Barrier(5)
    fields = {"overwrite_step": STEPS, "image_number": 2, "save_metadata_to_images": True}

    def ask(prompt: str) -> list[str]:
        together.wait()
        return list(Client(host.url).draw(prompt=prompt, **fields)["result"])

    def listen(prompt: str) -> list[str]:
        together.wait()
        events = [event.data for event in Client(host.url).stream(prompt=prompt, **fields)]
        assert all(0 <= event["progress"] <= 100 for event in events)
        assert not any(event["images"] for event in events[:-1]) and events[-1]["message"] == "Finished"
        return list(events[-1]["images"])

    with Watcher(host) as watcher, ThreadPoolExecutor(4) as pool:
        clients = {
            **{f"asked {number}": pool.submit(ask, f"asked {number}") for number in range(2)},
            **{f"listened {number}": pool.submit(listen, f"listened {number}") for number in range(2)},
        }
        together.wait()
        browser.generate("clicked")
        images = {prompt: client.result() for prompt, client in clients.items()}
        assert len(browser.images(2)) == 2
        (click,) = wait_for(
            lambda: Client(host.url).tasks(query="history", source="webui")["history"], "the click's record"
        )
        images["clicked"] = click["result"]
        wait_for(lambda: sum(statuses[-1] == "finished" for statuses in watcher.seen.values()) == 5, "all to be seen")
    client = Client(host.url)
    for prompt, urls in images.items():
        (record,) = client.tasks(query="history", prompt=prompt)["history"]
        assert record["result"] == urls and len(urls) == 2
        assert [image["metadata"]["prompt"] for image in record["images"]] == [prompt] * 2
        if prompt != "clicked":  # the WebUI embeds no parameters in its images by default
            assert [prompt_in(client, url) for url in urls] == [prompt] * 2
    assert len({url for urls in images.values() for url in urls}) == 10
    assert any(len(course) == 3 for course in watcher.seen.values())


# --------------------------------------------------- clients that disconnect


def leave_sync(host: Host, fields: dict[str, Any]) -> None:
    _leave(host, fields, "application/json")


def leave_stream(host: Host, fields: dict[str, Any]) -> None:
    next(Client(host.url).stream(**fields))  # this drops the generator with its connection


def leave_binary(host: Host, fields: dict[str, Any]) -> None:
    _leave(host, fields, "image/png")


def leave_async(host: Host, fields: dict[str, Any]) -> None:
    """Send the whole request and read nothing of the response."""
    _sent(host, {**fields, "async_process": True}, "application/json").close()


def _leave(host: Host, fields: dict[str, Any], accept: str) -> None:
    """Send a request whose response comes with the end of its task, and close the connection once the task is there."""
    with _sent(host, fields, accept):
        wait_for(lambda: any(Client(host.url).tasks(prompt=fields["prompt"]).values()), "the task to be accepted")


def _sent(host: Host, fields: dict[str, Any], accept: str) -> socket.socket:
    body = json.dumps({**QUICK, **fields}).encode()
    head = f"POST /v1/engine/generate HTTP/1.1\r\nHost: 127.0.0.1:{host.port}\r\nAccept: {accept}\r\n"
    connection = socket.create_connection(("127.0.0.1", host.port))
    connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection


@pytest.mark.parametrize("when", ["while it is drawn", "while it waits"])
@pytest.mark.parametrize("leave", [leave_sync, leave_stream, leave_binary, leave_async])
def test_who_goes_away_loses_nothing(host: Host, leave: Callable[[Host, dict[str, Any]], None], when: str) -> None:
    client = Client(host.url)
    prompt = f"{leave.__name__} {when}"
    with Watcher(host) as watcher:
        if when == "while it waits":
            ahead = client.submit(overwrite_step=30)["task_id"]
            client.until(ahead, "running")
        leave(host, {"prompt": prompt, "overwrite_step": 20, "output_format": "png"})
        records = wait_for(
            lambda: [record for records in client.tasks(prompt=prompt).values() for record in records], "its record"
        )
        assert len(records) == 1
        record = client.ended(records[0]["task_id"])
        wait_for(lambda: watcher.seen.get(record["task_id"], [""])[-1] == "finished", "its end to be seen")
    assert record["task_status"] == "finished" and record["attempts"] == 1
    assert [prompt_in(client, url) for url in record["result"]] == [prompt]
    client.has_tasks(running=0)
