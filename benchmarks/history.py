"""Duration of record, page and search requests over HTTP with 1,000, 100,000 and a million tasks in the history."""

from __future__ import annotations

import http.client
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from ..tests.support.client import Client
from ..tests.support.host import Host, answers, demo_host, free_port
from .frame import Options, Row, percentile, table
from .support.sample_history import RARE, SAMPLE, fill

SIZES = (1_000, 100_000, 1_000_000)
BYTES_PER_ROW = 9_000
TIMES = 300
SEARCHES = 10
PAGE_SIZE = 10
NEWEST = 10_000
LIMITS = {
    "by id": (3.0, 15.0),
    **dict.fromkeys(("a page", "the last page", "range: a page", "range: the last"), (10.0, None)),
}
"""Allowed milliseconds at p50 and p99, for every size."""
RATIO = 1.5
"""Allowed factor over the smallest history."""
BARE = """
import sys, json, uvicorn
from fastapi import FastAPI
app = FastAPI()
record = json.loads(sys.stdin.read())
app.get("/tasks/{task_id}")(lambda task_id: record)
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""
"""Bare FastAPI that returns the same record from memory."""


def run(options: Options) -> list[Row]:
    """Return a row per request and size.

    All hosts run at once and are queried in turn, together with a bare FastAPI that returns a record from memory: other load on
    the machine affects all of them alike.
    """
    sizes = sorted(options.rows or SIZES)
    hosts = [demo_host() for _ in sizes]
    rows: list[Row] = []
    try:
        histories = []
        for size, host in zip(sizes, hosts, strict=True):
            ids = _filled(host, size, options.seed)
            began = time.perf_counter()
            host.start()
            rows.append(
                {"what": "start of the host", "tasks": size, "p50_ms": round((time.perf_counter() - began) * 1000)}
            )
            histories.append(_History(host, size, ids, random.Random(options.seed)))
        with _bare(Client(hosts[0].url).task(histories[0].ids[0])) as floor:
            for what in histories[0].questions():
                rows += _asked(what, histories, floor)
                print(table(rows[-len(sizes) :]), flush=True)
    finally:
        for host in hosts:
            host.close()
    return rows


def _filled(host: Host, size: int, seed: int) -> list[str]:
    """Fill a host's history, and return some ids."""
    free = shutil.disk_usage(host.folder).free
    assert free > size * BYTES_PER_ROW * 1.5, f"{size:,} rows need more room than there is in {host.folder}"
    host.start()
    Client(host.url).draw(**SAMPLE)
    host.stop()
    file = host.outputs / ".fooocus_api" / "tasks.sqlite3"
    began = time.perf_counter()
    ids = fill(file, size, seed)
    print(f"{size:,} tasks, {file.stat().st_size / 1e6:,.0f} MB, in {time.perf_counter() - began:.0f} s", flush=True)
    return ids


class _History:
    """A host with a history, and its requests: paths that are generated for each call."""

    def __init__(self, host: Host, size: int, ids: Sequence[str], chance: random.Random) -> None:
        self.size = size
        self.ids = ids
        self.connection = _Connection(host.port)
        self._chance = chance
        self._client = Client(host.url)
        ends = [
            self._client.tasks(sort=sort, page_size=1)["history"][0]["in_queue_mills"] for sort in ("oldest", "newest")
        ]
        tenth = (ends[1] - ends[0]) // 10
        self._most = {"start_at": _iso(ends[0] + tenth), "end_at": _iso(ends[1] - tenth)}
        self._month = {"start_at": _iso(ends[1] - tenth // 4), "end_at": _iso(ends[1])}

    def questions(self) -> dict[str, tuple[int, Callable[[], str]]]:
        """Return the repetitions and the path generator of each request."""
        return {
            "by id": (TIMES, lambda: f"/tasks/{self._chance.choice(self.ids)}"),
            "a page": (TIMES, self._page()),
            "the last page": (TIMES, self._last_page()),
            "range: a page": (TIMES, self._page(**self._most)),
            "range: the last": (TIMES, self._last_page(**self._most)),
            "a month: a page": (TIMES, self._page(**self._month)),
            "a page of 100": (SEARCHES, self._list(page_size=100)),
            "status=failed": (SEARCHES, self._list(status="failed")),
            "source=webui": (SEARCHES, self._list(source="webui")),
            "model": (SEARCHES, self._list(model="style_7_xl.safetensors")),
            "model and status": (SEARCHES, self._list(model="style_7_xl.safetensors", status="failed")),
            "two common words": (SEARCHES, self._list(prompt="lake cat")),
            "a rare word": (SEARCHES, self._list(prompt=RARE)),
            "a word of none": (SEARCHES, self._list(prompt="no-such-word")),
        }

    def _list(self, **query: Any) -> Callable[[], str]:
        return lambda: f"/tasks?{urlencode(query)}"

    def _page(self, **query: Any) -> Callable[[], str]:
        pages = min(self._total(query), NEWEST) // PAGE_SIZE
        return lambda: f"/tasks?{urlencode({**query, 'page': self._chance.randrange(pages)})}"

    def _last_page(self, **query: Any) -> Callable[[], str]:
        """Return the last full page, so that all sizes return the same number of records."""
        return self._list(**query, page=self._total(query) // PAGE_SIZE - 1)

    def _total(self, query: dict[str, Any]) -> int:
        return int(self._client.get("/tasks", params=query).headers["X-Total-History"])


def _asked(what: str, histories: Sequence[_History], floor: int) -> list[Row]:
    """Return rows with p50 and p99 in milliseconds; the first response is separate, because it may come from the disk."""
    bare = _Connection(floor)
    times, _ = histories[0].questions()[what]
    paths = [history.questions()[what][1] for history in histories]
    asked = [*zip((history.connection for history in histories), paths, strict=True), (bare, lambda: "/tasks/x")]
    first, *figures = [[connection.get(path()) for connection, path in asked] for _ in range(times + 1)]
    *columns, floors = zip(*figures, strict=True)
    rows = []
    for history, column, cold in zip(histories, columns, first, strict=False):
        p50, p99, smallest = percentile(column, 50), percentile(column, 99), percentile(columns[0], 50)
        most = LIMITS.get(what, (None, None))
        rows.append(
            {
                "what": what,
                "tasks": history.size,
                "first_ms": round(cold, 2),
                "p50_ms": round(p50, 2),
                "p99_ms": round(p99, 2),
                "to_smallest": round(p50 / smallest, 2),
                "bare_p50_ms": round(percentile(floors, 50), 2),
                "bare_p99_ms": round(percentile(floors, 99), 2),
                "most_p50": most[0],
                "most_p99": most[1],
                "most_ratio": RATIO if what in LIMITS else None,
                "good": (most[0] is None or p50 <= min(most[0], RATIO * smallest))
                and (most[1] is None or p99 <= most[1]),
            }
        )
    return rows


class _Connection:
    """A keep-alive connection with minimal overhead."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def get(self, path: str) -> float:
        """Return the milliseconds until the response is complete."""
        began = time.perf_counter_ns()
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        content = response.read()
        took = (time.perf_counter_ns() - began) / 1e6
        assert response.status == 200, content
        return took


@contextmanager
def _bare(record: Any) -> Iterator[int]:
    """Yield the port of a bare FastAPI that returns this record."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)], stdin=subprocess.PIPE, text=True)
    try:
        assert process.stdin is not None
        with process.stdin as stdin:
            stdin.write(json.dumps(record))
        while not answers(f"http://127.0.0.1:{port}"):
            assert process.poll() is None
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000).isoformat()
