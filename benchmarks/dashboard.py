"""The dashboard in Chromium: preview to paint, the Gallery over a long history, memory of the page over a live queue."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from ..tests.support.client import Client
from ..tests.support.host import demo_host
from .frame import Options, Row, Unavailable, percentile
from .support.browser_probes import FRAMES, PAINTS
from .support.null_engine import NullHost, load_average
from .support.sample_history import SAMPLE, fill

TASKS = 10
"""Tasks whose previews are timed, of 30 steps each."""
STEP_MS = 100
ROWS = 100_000
MINUTES = 10.0
SETTLED = 2
"""The minute from which memory is compared: by then each page of the queue has been seen once."""
MOST = {"preview_p95_ms": 60.0, "first_picture_s": 1.0, "frame_p95_ms": 20.0}
GROWTH = {"heap_mb": 1.0, "nodes": 20, "renderers_mb": 30.0}
"""Allowed growth from minute 2 to the end."""


def run(options: Options) -> list[Row]:
    """Return a row for each figure, with the most that is allowed."""
    with _browser() as browser:
        rows = [*_previews(browser, options.tasks or TASKS), *_gallery(browser, (options.rows or (ROWS,))[0])]
        rows += _memory(browser, options.minutes or MINUTES)
    return rows


@contextmanager
def _browser() -> Iterator[Any]:
    try:
        from ..tests.support.browsers.browser import Browser

        browser = Browser()
    except (ImportError, pytest.skip.Exception) as reason:
        raise Unavailable(str(reason)) from reason
    with browser:
        yield browser


def _row(figure: str, value: float, most: float | None = None, note: str = "") -> Row:
    return {"figure": figure, "value": value, "allowed": most, "note": note, "load": load_average()}


def _previews(browser: Any, tasks: int) -> list[Row]:
    """Time each preview from the worker's `yield` to the frame in which the canvas shows it."""
    driver = browser.driver
    with NullHost(size="1152x896", step_ms=STEP_MS) as host:
        assert isinstance(host, NullHost)
        added = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": PAINTS})
        driver.get(f"{host.url}/dashboard")
        browser.until(lambda: driver.execute_script("return window.watchSteps()"), "the modules of the page")
        wall_to_monotonic = time.time_ns() - time.monotonic_ns()
        waits: list[float] = []
        dropped = 0
        for _ in range(tasks):
            driver.execute_script("window.paints.clear()")
            timing = host.draw()
            time.sleep(1)
            painted = {int(step): moment for step, moment in driver.execute_script("return [...window.paints]")}
            for step, made in timing.previews.items():
                if step in painted:
                    waits.append(painted[step] - (made + wall_to_monotonic) / 1e6)
                else:
                    dropped += 1
    driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    note = f"{len(waits)} previews at {STEP_MS} ms a step; {dropped} not painted, as a newer one had come"
    most = MOST["preview_p95_ms"]
    return [
        _row("preview painted, p50, ms", percentile(waits, 50), None, note),
        _row("preview painted, p95, ms", percentile(waits, 95), most, note),
        _row("preview painted, worst, ms", max(waits), None, note),
    ]


def _gallery(browser: Any, rows: int) -> list[Row]:
    """Open and scroll the Gallery of a long history."""
    driver = browser.driver
    with demo_host() as host:
        Client(host.url).draw(**SAMPLE)
        host.stop()
        fill(host.outputs / ".fooocus_api" / "tasks.sqlite3", rows, seed=18)
        host.start()
        began = time.monotonic()
        driver.get(f"{host.url}/dashboard#/gallery")
        picture = "return performance.getEntriesByType('resource').some(e => e.name.includes('/outputs/'))"
        ready = f"{picture} && !!document.querySelector('.tile img.ready')"
        browser.until(lambda: driver.execute_script(ready), "a picture")
        first = time.monotonic() - began
        found = [_row(f"first picture of {rows:,} tasks, s", first, MOST["first_picture_s"], "empty cache")]
        for step in (8, 60, 5000):
            frames = driver.execute_async_script(FRAMES, step)
            elements = driver.execute_script("return document.querySelectorAll('*').length")
            note = f"median {frames[90]:.1f}, worst {frames[-1]:.1f}; {elements} elements on the page"
            found.append(_row(f"frame p95 at {step} px a frame, ms", frames[171], MOST["frame_p95_ms"], note))
    return found


def _memory(browser: Any, minutes: float) -> list[Row]:
    """Compare the page's memory after two minutes of a live queue with that at the end."""
    driver = browser.driver
    with NullHost(size="1152x896", step_ms=33) as host:
        driver.get(f"{host.url}/dashboard")
        browser.until(lambda: driver.execute_script("return !!document.querySelector('.queue')"), "the queue")
        with _many_tasks(Client(host.url)):
            seen: dict[float, dict[str, float]] = {}
            for minute in sorted({min(SETTLED, minutes), minutes}):
                time.sleep(max(0.0, minute - max(seen, default=0.0)) * 60)
                seen[minute] = _usage(driver)
    first, last = seen[min(seen)], seen[max(seen)]
    note = f"minutes {min(seen):g} to {max(seen):g} of a live queue"
    grown = {name: last[name] - first[name] for name in GROWTH}
    rows = [
        _row(f"growth: {name}", grown[name], most, f"{note}; {last[name]:.1f} at the end")
        for name, most in GROWTH.items()
    ]
    assert all(grown[name] <= most for name, most in GROWTH.items()), f"the page grows: {json.dumps(rows)}"
    return rows


@contextmanager
def _many_tasks(client: Client) -> Iterator[None]:
    """Keep about ten tasks waiting, each with 30 steps."""
    ended = threading.Event()

    def submit() -> None:
        number = 0
        while not ended.wait(0.5):
            waiting = client.get("/v1/queue").json()["waiting"]
            for _ in range(10 - len(waiting)):
                number += 1
                client.post(
                    "/v1/engine/generate", json={"prompt": f"task {number}", "async_process": True, "image_number": 1}
                )

    thread = threading.Thread(target=submit, name="submissions")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _usage(driver: Any) -> dict[str, float]:
    """Return the page's heap and elements after a collection, and the resident memory of all renderers."""
    driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    driver.execute_cdp_cmd("Performance.enable", {})
    metrics = {each["name"]: each["value"] for each in driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]}
    processes = psutil.Process(driver.service.process.pid).children(recursive=True)
    renderers = [process for process in processes if "--type=renderer" in process.cmdline()]
    return {
        "heap_mb": metrics["JSHeapUsedSize"] / 1e6,
        "nodes": metrics["Nodes"],
        "renderers_mb": sum(process.memory_info().rss for process in renderers) / 1e6,
    }
