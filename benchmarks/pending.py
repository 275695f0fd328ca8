"""Start, lists, submissions and streams with 0, 5,000 and 10,000 pending tasks: cost that does not grow with their number."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Callable

import psutil

from ..tests.support.client import QUICK, Client
from ..tests.support.host import Host
from .frame import Options, Row, percentile, table
from .support.long_queue import host_with_queue

SIZES = (0, 5_000, 10_000)
TIMES = 40
LEAST_MS = 2.0
"""Milliseconds below which a difference between two requests is noise."""
RATIO = 3.0
"""Allowed factor over the empty queue, for what a request costs."""
START_S = 2.0
"""Seconds that a host with 5,000 pending tasks may need more than one with none until it answers."""
START_TASKS = 5_000
BODY = json.dumps({**QUICK, "prompt": "one more", "async_process": True})


def run(options: Options) -> list[Row]:
    """Return a row per request and number of pending tasks. All hosts run at once and are queried in turn."""
    sizes = sorted(options.rows or SIZES)
    hosts: list[Host] = []
    rows: list[Row] = []
    try:
        for size in sizes:
            hosts.append(host_with_queue(size))
        rows += _starts(hosts, sizes, options.rounds or 3)
        for what, request in REQUESTS.items():
            rows += _asked(what, hosts, sizes, request)
            print(table(rows[-len(sizes) :]), flush=True)
    finally:
        for host in hosts:
            host.close()
    missed = [row for row in rows if row["good"] is False]
    assert not missed, f"{len(missed)} figures are over their targets:\n{table(missed)}"
    return rows


def _starts(hosts: list[Host], sizes: list[int], rounds: int) -> list[Row]:
    """Return the seconds until each host answers, and its seconds of CPU, as medians; all are left running."""
    figures: list[list[tuple[float, float]]] = [[] for _ in hosts]
    for number in range(rounds):
        for host, values in zip(hosts, figures, strict=True):
            began = time.perf_counter()
            host.start()
            Client(host.url).get("/v1/info")
            seconds = time.perf_counter() - began
            assert host.process is not None
            values.append((seconds, sum(psutil.Process(host.process.pid).cpu_times()[:2])))
            if number + 1 < rounds:
                host.stop()
    rows: list[Row] = []
    seconds_of = [statistics.median(wall for wall, _ in values) for values in figures]
    for size, values, seconds in zip(sizes, figures, seconds_of, strict=True):
        more = seconds - seconds_of[0]
        rows.append(
            {
                "what": "start of the host",
                "pending": size,
                "p50_ms": round(seconds * 1000),
                "cpu_ms": round(statistics.median(cpu for _, cpu in values) * 1000),
                "more_ms": round(more * 1000),
                "target": f"{START_S:g} s more at {START_TASKS:,}",
                "good": more <= START_S if size == START_TASKS else None,
            }
        )
    print(table(rows), flush=True)
    return rows


def _asked(what: str, hosts: list[Host], sizes: list[int], request: Callable[[Host], float]) -> list[Row]:
    """Return p50 and p99 in milliseconds, and the host's CPU milliseconds a request."""
    times: list[list[float]] = [[] for _ in hosts]
    costs = [0.0] * len(hosts)
    for number in range(TIMES + 1):
        for index, host in enumerate(hosts):
            assert host.process is not None
            process = psutil.Process(host.process.pid)
            before = sum(process.cpu_times()[:2])
            took = request(host)
            if number:  # the first one is warmed up
                times[index].append(took)
                costs[index] += sum(process.cpu_times()[:2]) - before
    rows: list[Row] = []
    smallest = percentile(times[0], 50)
    for size, values, cost in zip(sizes, times, costs, strict=True):
        p50 = percentile(values, 50)
        rows.append(
            {
                "what": what,
                "pending": size,
                "p50_ms": round(p50, 2),
                "p99_ms": round(percentile(values, 99), 2),
                "cpu_ms": round(cost * 1000 / TIMES, 2),
                "to_none": round(p50 / smallest, 2),
                "target": f"{RATIO:g} times none",
                "good": p50 <= RATIO * smallest + LEAST_MS,
            }
        )
    return rows


def _get(path: str) -> Callable[[Host], float]:
    def request(host: Host) -> float:
        return _timed(host, "GET", path)[0]

    return request


def _submitted(host: Host) -> float:
    """Submit a task. It is withdrawn again."""
    took, content = _timed(host, "POST", "/v1/engine/generate", BODY)
    _timed(host, "DELETE", f"/tasks/{json.loads(content)['task_id']}")
    return took


def _withdrawn(host: Host) -> float:
    _, content = _timed(host, "POST", "/v1/engine/generate", BODY)
    return _timed(host, "DELETE", f"/tasks/{json.loads(content)['task_id']}")[0]


def _position_update(host: Host) -> float:
    """Return the milliseconds from a withdrawal to the event of a stream whose task moves up."""
    first, last = (json.loads(_timed(host, "POST", "/v1/engine/generate", BODY)[1])["task_id"] for _ in range(2))
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)
    connection.request("GET", f"/tasks/{last}/events")
    response = connection.getresponse()
    _next_event(response)
    began = time.perf_counter()
    _timed(host, "DELETE", f"/tasks/{first}")
    _next_event(response)
    took = (time.perf_counter() - began) * 1000
    connection.close()
    _timed(host, "DELETE", f"/tasks/{last}")
    return took


def _next_event(response: http.client.HTTPResponse) -> None:
    while not response.readline().startswith(b"data:"):
        pass
    response.readline()


def _timed(host: Host, method: str, path: str, body: str | None = None) -> tuple[float, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)
    began = time.perf_counter()
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    response = connection.getresponse()
    content = response.read()
    took = (time.perf_counter() - began) * 1000
    connection.close()
    assert response.status in (200, 202), f"{method} {path}: {response.status} {content[:500]!r}"
    return took, content


REQUESTS: dict[str, Callable[[Host], float]] = {
    "info": _get("/v1/info"),
    "healthz": _get("/healthz"),
    "metrics": _get("/metrics"),
    "list: the first 10": _get("/tasks?query=pending&page_size=10"),
    "list: page 40": _get("/tasks?query=pending&page_size=10&page=40"),
    "list: running": _get("/tasks?query=current"),
    "submit": _submitted,
    "withdraw": _withdrawn,
    "a stream's new position": _position_update,
}
