"""CPU time that each GET holds the event loop, with 10,000 pending tasks, a million in the history and 200 open streams.

Every GET of the API's schema, its pages and the filters of its lists: the longest callback of the loop's thread, and the largest
gap between two beats of the loop's heart (5 ms apart), next to that of the same host without requests.
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..tests.support.client import QUICK, Client
from ..tests.support.hosts.loops import WatchedHost
from .frame import Options, Row, table
from .support.event_readers import Readers, get
from .support.long_queue import copy_pending
from .support.sample_history import SAMPLE, fill

PENDING = 10_000
ENDED = 1_000_000
STREAMS = 200
STEP_MS = 200
IDLE_S = 5.0
SETTLE_S = 0.1
TIMES = 3
MOST_MS = 5.0
"""Allowed CPU milliseconds of the loop's thread in one callback."""
LISTS = (
    "page_size=1",
    "page_size=100",
    "page_size=100&page=5000",
    "query=pending&page_size=1",
    "query=pending&page_size=100&page=99",
    "query=pending&source=key-1f3a77c0",
    "query=pending&prompt=one+many",
    "query=pending&prompt=nowhere",
    "query=pending&model=none",
    "query=current",
    "query=history&page_size=100&status=failed",
    "query=history&prompt=lake+cat",
    "query=history&prompt=no-such-word",
    "query=history&source=webui&sort=oldest",
)
PAGES = ("/", "/docs", "/docs/assets/swagger-ui-bundle.js", "/v1/openapi.json", "/v1/engines/nothing", "/no-such-path")


def run(options: Options) -> list[Row]:
    """Return a row per request: the longest callback, and the largest gap."""
    ended = max(options.rows or (ENDED,))
    host = WatchedHost("--max-pending", "100000", step_ms=STEP_MS)
    try:
        _fill(host, ended)
        host.start()
        client = Client(host.url)
        client.has_tasks(running=1, pending=PENDING)
        with Readers(host.url, [get("/v1/events")] * STREAMS) as readers:
            paths = _paths(client)
            rows = [_row("no request", host, lambda: time.sleep(IDLE_S))]
            rows += [_row(path, host, partial(_ask, client, path)) for path in paths]
            readers.stop()
    finally:
        host.close()
    print(table(rows), flush=True)
    missed = [row for row in rows if not row["good"]]
    assert not missed, f"{len(missed)} requests hold the loop for more than {MOST_MS:g} ms:\n{table(missed)}"
    return rows


def _fill(host: WatchedHost, ended: int) -> None:
    """Give a host a history, a task that runs for long, and pending ones behind it."""
    host.start()
    client = Client(host.url)
    client.draw(**SAMPLE)
    host.stop()
    file: Path = host.outputs / ".fooocus_api" / "tasks.sqlite3"
    free = shutil.disk_usage(host.folder).free
    assert free > ended * 14_000, f"{ended:,} rows need more room than there is in {host.folder}"
    fill(file, ended, 0)
    host.start()
    running = client.submit(**{**QUICK, "prompt": "a long one", "overwrite_step": 200, "image_number": 32})
    client.until(running["task_id"], "running")
    client.submit(**{**QUICK, "prompt": "one of many"})
    host.stop()
    copy_pending(file, PENDING)


def _paths(client: Client) -> list[str]:
    """Return a request for each GET of the schema, for the API's pages, and for the filters of its lists."""
    ended = client.tasks(query="history", status="finished", sort="oldest")["history"][0]
    (running,) = client.tasks(query="current")["current"]
    waiting = client.tasks(query="pending", page=50)["pending"][0]
    date, _, file_name = ended["result"][0].partition("/outputs/")[2].partition("?")[0].partition("/")
    batch = client.post("/v1/batches", data="prompt\none of a batch\n", headers={"Content-Type": "text/csv"}).json()
    names = {"date": date, "file_name": file_name, "batch_id": batch["batch_id"], "name": "Fooocus V2"}
    names = defaultdict(lambda: "0" * 32, names)  # what there is none of, like a download: the path that answers 404
    found = [*PAGES, *(f"/tasks?{query}" for query in LISTS)]
    for path, methods in client.get("/v1/openapi.json").json()["paths"].items():
        if "get" not in methods:
            continue
        if "{task_id}" in path:
            found += [path.format(task_id=task["task_id"]) for task in (ended, running, waiting)]
        else:
            found.append(path.format_map(names))
    return found


def _ask(client: Client, path: str) -> None:
    for accept in ("*/*", "image/webp") if "/outputs/" in path else ("*/*",):
        with client.get(path, headers={"Accept": accept}, stream=True, timeout=60) as response:
            assert response.status_code < 500, f"{path}: {response.text}"
            is_stream = response.headers.get("Content-Type", "").startswith("text/event-stream")
            for _ in response.iter_content(1 if is_stream else None):
                if is_stream:
                    break


def _row(what: str, host: WatchedHost, action: Callable[[], None]) -> Row:
    times, since = (1 if what == "no request" else TIMES), host.mark()
    for _ in range(times):
        action()
        time.sleep(SETTLE_S)
    held, callback = host.longest(since)
    good = held <= MOST_MS
    return {
        "request": what,
        "longest_callback_ms": held,
        "most_ms": MOST_MS,
        "largest_gap_ms": host.largest_gap(since),
        "good": good,
        "callback": "" if good else callback[:80],
    }
