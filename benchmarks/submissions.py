"""Rate at which asynchronous submissions of 20 clients are accepted, and whether each is in the database by then."""

from __future__ import annotations

import http.client
import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..tests.support.client import QUICK, Client
from ..tests.support.host import Host, demo_host
from .frame import Options, Row, percentile

CLIENTS = 20
SUBMISSIONS = 1_000
LEAST_PER_SECOND = 200
BODY = json.dumps({**QUICK, "prompt": "one of many", "async_process": True})
HEADERS = {"Content-Type": "application/json"}


def run(options: Options) -> list[Row]:
    """Return a row per round, measured while a long task is running."""
    rows: list[Row] = []
    for number in range(1, (options.rounds or 3) + 1):
        with demo_host(step_ms=1000) as host:
            client = Client(host.url)
            long = client.submit(overwrite_step=200)
            client.until(long["task_id"], "running")
            rows.append({"round": number, **_round(host)})
    return rows


def _round(host: Host) -> Row:
    file = host.outputs / ".fooocus_api" / "tasks.sqlite3"
    together = threading.Barrier(CLIENTS + 1)
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(_client, host.port, file, together) for _ in range(CLIENTS)]
        together.wait()
        began = time.perf_counter()
        answers = [answer for client in clients for answer in client.result()]
        seconds = time.perf_counter() - began
    missing = [task_id for task_id, _, found in answers if not found]
    assert not missing, f"{len(missing)} tasks were acknowledged before they were in the database"
    assert len({task_id for task_id, _, _ in answers}) == SUBMISSIONS
    waits = [wait for _, wait, _ in answers]
    per_second = len(answers) / seconds
    return {
        "submissions": len(answers),
        "per_second": round(per_second, 1),
        "least": LEAST_PER_SECOND,
        "good": per_second >= LEAST_PER_SECOND,
        "p50_ms": round(percentile(waits, 50), 1),
        "p99_ms": round(percentile(waits, 99), 1),
        "in_the_database": len(answers) - len(missing),
    }


def _client(port: int, file: Path, together: threading.Barrier) -> list[tuple[str, float, bool]]:
    """Submit this client's share, one after the other.

    Returns:
        For each submission its id, milliseconds, and whether another connection sees its row at once.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port)
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    answers = []
    together.wait()
    for _ in range(SUBMISSIONS // CLIENTS):
        began = time.perf_counter()
        connection.request("POST", "/v1/engine/generate", BODY, HEADERS)
        response = connection.getresponse()
        content = response.read()
        waited = (time.perf_counter() - began) * 1000
        assert response.status == 200, content
        task_id = json.loads(content)["task_id"]
        row = database.execute("SELECT status FROM task WHERE task_id = ?", (task_id,)).fetchone()
        answers.append((task_id, waited, row is not None))
    database.close()
    return answers
