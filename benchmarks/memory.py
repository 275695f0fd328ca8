"""The host's memory, threads and open files after 100 and after 2,000 tasks: images, streams, disconnecting clients."""

from __future__ import annotations

import base64
import io
import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy
import psutil
from PIL import Image

from .frame import Options, Row
from .support.event_readers import Readers, get
from .support.event_readers import post as request_of
from .support.null_engine import TASK, NullHost, load_average, post

TASKS = 2_000
FIRST = 100
MOST = 20.0
"""Allowed growth in MB between the two."""
SETTLED = 3.0
"""Seconds after which the connections and threads of the last task are closed."""


def run(options: Options) -> list[Row]:
    """Return MB, threads and file descriptors at several numbers of tasks; the last row is the difference."""
    last = options.tasks or TASKS
    marks = sorted({min(FIRST, last), last // 4, last // 2, last * 3 // 4, last} - {0})
    rows: list[Row] = []
    with NullHost(size="512x512", step_ms=0) as host:
        assert isinstance(host, NullHost)
        ways = itertools.cycle(WAYS)
        for number in range(1, last + 1):
            next(ways)(host)
            if number in marks:
                rows.append(_state(host, number))
                print(rows[-1], flush=True)
        assert "Traceback" not in host.log(), host.log()[-3000:]
    first, end = rows[0], rows[-1]
    grown = {key: end[key] - first[key] for key in ("mb", "threads", "files")}
    return [
        *rows,
        {"tasks": f"{first['tasks']} to {end['tasks']}", **grown, "allowed_mb": MOST, "load": load_average()},
    ]


def resident(pid: int) -> float:
    """Return a process's resident memory in MB."""
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def figures_of(pid: int) -> Row:
    """Return a process's memory in MB, and its numbers of threads and file descriptors."""
    process = psutil.Process(pid)
    files = process.num_handles() if sys.platform == "win32" else process.num_fds()
    return {"mb": resident(pid), "threads": process.num_threads(), "files": files}


def _state(host: NullHost, number: int) -> Row:
    time.sleep(SETTLED)
    assert host.process is not None
    return {"tasks": number, **figures_of(host.process.pid)}


# ----------------------------------------------------------- one task each


def _drawn(host: NullHost) -> None:
    host.draw(overwrite_step=5)


def _with_image(host: NullHost) -> None:
    picture = Image.fromarray(numpy.random.default_rng().integers(0, 255, (256, 256, 3), numpy.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    image = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    host.draw(overwrite_step=5, uov_input_image=image, uov_method="Vary (Subtle)", require_base64=True)


def _streamed(host: NullHost) -> None:
    with Readers(host.url, [_stream_request(5)]) as readers:
        readers.ended()


def _left(host: NullHost) -> None:
    """Disconnect in the middle of a stream; its task continues."""
    with Readers(host.url, [_stream_request(300)]):
        pass
    host.next_timings()


def _followed(host: NullHost) -> None:
    connection = host.connection()
    record = post(connection, {**TASK, "overwrite_step": 5, "async_process": True})
    connection.close()
    with Readers(host.url, [get(f"/tasks/{record['task_id']}/events")]) as readers:
        readers.ended()


def _stream_request(steps: int) -> bytes:
    body: dict[str, Any] = {**TASK, "overwrite_step": steps, "stream_output": True}
    return request_of("/v1/engine/generate", json.dumps(body).encode())


WAYS: tuple[Callable[[NullHost], None], ...] = (_drawn, _with_image, _streamed, _left, _followed)
