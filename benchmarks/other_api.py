"""The same requests to Fooocus-API and to this extension on a real Fooocus, in turn: start, memory, status, generation.

Runs only if named. FOOOCUS_HOME names the Fooocus, FOOOCUS_API_HOME a checkout of Fooocus-API with the same model files and
config.txt, FOOOCUS_API_PYTHON its interpreter. Both generate on the CPU, one at a time, by Fooocus-API's own paths and bodies.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from ..tests.support.host import REAL_ENVIRONMENT, free_port, real_checkout, real_host
from .frame import Options, Row, Unavailable

GENERATE = "/v1/generation/text-to-image"
SIZE = {"overwrite_width": 256, "overwrite_height": 256}
STEPS, LONG = 4, 10
ROUNDS = 5
QUERIES = 40
PATIENCE_S = 600.0


def run(options: Options) -> list[Row]:
    """Return a row per figure, with the value of each API.

    Raises:
        Unavailable: one of the two checkouts is not named.
    """
    home = os.environ.get("FOOOCUS_API_HOME")
    if real_checkout() is None or home is None:
        raise Unavailable("FOOOCUS_HOME and FOOOCUS_API_HOME name the two checkouts")
    figures: dict[str, dict[str, float]] = {}
    with _fooocus_api(Path(home)) as (other, other_boot), _extension() as (own, own_boot):
        for name, (url, process) in {"Fooocus-API": other, "Fooocus API": own}.items():
            figures[name] = {
                "start to the first answer, s": other_boot if name == "Fooocus-API" else own_boot,
                "first image, models loaded for it, s": _seconds(lambda url=url: _generate(url)),  # type: ignore[misc]
                "memory then, MB": process.memory_info().rss / 2**20,
            }
        seconds: dict[str, list[float]] = {name: [] for name in figures}
        for _ in range(options.rounds or ROUNDS):
            for name, (url, _) in {"Fooocus-API": other, "Fooocus API": own}.items():
                seconds[name].append(_seconds(lambda url=url: _generate(url)))  # type: ignore[misc]
        for name, (url, process) in {"Fooocus-API": other, "Fooocus API": own}.items():
            figures[name]["256x256 in 4 steps, answer with its URL, s"] = statistics.median(seconds[name])
            figures[name] |= _while_it_generates(url)
            figures[name]["memory in the end, MB"] = process.memory_info().rss / 2**20
    names = list(figures)
    return [{"figure": one, **{name: figures[name][one] for name in names}} for one in figures[names[0]]]


def _while_it_generates(url: str) -> dict[str, float]:
    """Return the milliseconds of requests while a task generates."""
    accepted: list[float] = []
    ids: list[str] = []
    for _ in range(3):
        began = time.perf_counter()
        ids.append(str(_post(url, LONG, async_process=True)["job_id"]))
        accepted.append((time.perf_counter() - began) * 1000)
    asked = [1000 * _seconds(lambda: _state(url, ids[0], preview=True)) for _ in range(QUERIES)]
    for task_id in ids:
        while _state(url, task_id)["job_stage"] not in ("SUCCESS", "ERROR"):
            time.sleep(0.2)
    return {
        "a job is accepted while another runs, ms": statistics.median(accepted),
        "status with preview while it runs, median ms": statistics.median(asked),
        "… and the slowest of 40, ms": max(asked),
    }


def _generate(url: str) -> None:
    (image,) = _post(url, STEPS, async_process=False)
    assert image["finish_reason"] == "SUCCESS", image


def _post(url: str, steps: int, *, async_process: bool) -> Any:
    advanced = {**SIZE, "overwrite_step": steps}
    body = {"prompt": "a cat", "style_selections": [], "async_process": async_process, "advanced_params": advanced}
    response = requests.post(url + GENERATE, json=body, timeout=PATIENCE_S)
    response.raise_for_status()
    return response.json()


def _state(url: str, task_id: str, *, preview: bool = False) -> Any:
    query = {"job_id": task_id, "require_step_preview": str(preview).lower()}
    response = requests.get(f"{url}/v1/generation/query-job", params=query, timeout=PATIENCE_S)
    response.raise_for_status()
    return response.json()


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _until_it_answers(url: str, process: psutil.Process) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            if requests.get(f"{url}/ping", timeout=5).ok:
                return
        except requests.RequestException:
            if time.monotonic() > end or not process.is_running():
                raise
        time.sleep(0.05)


@contextmanager
def _fooocus_api(home: Path) -> Iterator[tuple[tuple[str, psutil.Process], float]]:
    port = free_port()
    python = os.environ.get("FOOOCUS_API_PYTHON", "python")
    flags = ["--skip-pip", "--port", str(port), "--always-cpu", "--disable-preset-download"]
    began = time.perf_counter()
    started = subprocess.Popen(
        [python, "main.py", *flags],
        cwd=home,
        env={**os.environ, **REAL_ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process = psutil.Process(started.pid)
        _until_it_answers(f"http://127.0.0.1:{port}", process)
        yield (f"http://127.0.0.1:{port}", process), time.perf_counter() - began
    finally:
        started.kill()
        started.wait()


@contextmanager
def _extension() -> Iterator[tuple[tuple[str, psutil.Process], float]]:
    host = real_host("--compat", "legacy")
    began = time.perf_counter()
    with host:
        assert host.process is not None
        process = psutil.Process(host.process.pid)
        _until_it_answers(host.url, process)
        yield (host.url, process), time.perf_counter() - began
