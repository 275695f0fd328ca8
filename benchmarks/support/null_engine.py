"""Demo hosts with a null engine that trace their worker's timing: with the extension, and bare."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import psutil

from ...tests.support.host import DEMO, ROOT, Host
from ..frame import Unavailable
from .bare_host import PIPE

BARE = f"import runpy; runpy.run_path({str(ROOT / 'load_package.py')!r})['load_package'](); " + (
    "from fooocus_api.benchmarks.support.bare_host import main; main()"
)
STEPS = 30
TASK: dict[str, Any] = {"prompt": "nothing", "style_selections": [], "image_number": 1, "overwrite_step": STEPS}
PATIENCE = 120
"""Seconds that any one task may take."""


@dataclass
class Timing:
    """Times of the worker's steps for one task, in nanoseconds of the clock that all processes share."""

    pop: int
    previews: dict[int, int] = field(default_factory=dict)
    finish: int = 0
    done: int = 0
    save: int = 0
    save_ms: list[float] = field(default_factory=list)
    """Milliseconds of the worker's time on saving each image."""

    @property
    def seconds(self) -> float:
        """Seconds from the worker's pop to its `finish`."""
        return (self.done - self.pop) / 1e9


class NullHost(Host):
    """A demo host with a null engine. One task at a time, by `draw`."""

    bare = False

    def __init__(self, *flags: str, size: str = "64x64", step_ms: int = 10, load_ms: int = 0) -> None:
        super().__init__(DEMO, patience=90)
        self.trace = self.folder / "trace"
        pace = ("--demo-step-ms", str(step_ms), "--demo-load-ms", str(load_ms))
        null = ("--demo-null", size, "--demo-trace", str(self.trace))
        self.flags = ("--disable-in-browser", "--disable-analytics", *pace, *null, *flags)
        self._seen = 0

    def connection(self) -> HTTPConnection:
        """Return a connection to the host; the caller closes it."""
        parts = urlsplit(self.url)
        return HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)

    def draw(self, **fields: Any) -> Timing:
        """Run one task to its end."""
        _, timing = self.answered(**fields)
        return timing

    def answered(self, **fields: Any) -> tuple[int, Timing]:
        """Run one task by a synchronous request. Return the time of the complete response, and the worker's timing."""
        if not hasattr(self, "_connection"):
            self._connection = self.connection()
        post(self._connection, {**TASK, **fields})
        return time.monotonic_ns(), self.next_timings()[-1]

    def hang_up(self) -> None:
        """Close the connection of `answered`, which the host closes itself after some idle seconds; the next call opens one."""
        if hasattr(self, "_connection"):
            self._connection.close()

    def next_timings(self, number: int = 1) -> list[Timing]:
        """Wait for `number` further tasks, and return the timings recorded since the last call."""
        began = time.monotonic()
        while len(timings := self._timings()) < self._seen + number:
            assert time.monotonic() - began < PATIENCE, f"no task ended; the host's log:\n{self.log()[-3000:]}"
            time.sleep(0.002)
        fresh, self._seen = timings[self._seen :], len(timings)
        return fresh

    def _timings(self) -> list[Timing]:
        timings: list[Timing] = []
        text = self.trace.read_text("ascii") if self.trace.exists() else ""
        for line in text[: text.rfind("\n") + 1].splitlines():
            moment, what, *step = line.split()
            if what == "pop":
                timings.append(Timing(int(moment)))
            elif what == "preview":
                timings[-1].previews[int(step[0]) + 1] = int(moment)
            elif what == "saved":
                timings[-1].save_ms.append((int(moment) - timings[-1].save) / 1e6)
            else:
                setattr(timings[-1], what, int(moment))
        return [timing for timing in timings if timing.done]


class BareHost(NullHost):
    """The same host without the extension: tasks come through a pipe."""

    bare = True

    def start(self) -> Host:
        if sys.platform == "win32":
            raise Unavailable(
                "the bare host reads its tasks from a named pipe in a folder, which Windows does not have"
            )
        pipe = self.folder / "tasks"
        os.mkfifo(pipe)
        self._env[PIPE] = str(pipe)
        super().start()
        self._pipe = pipe.open("w", encoding="utf-8")
        return self

    def draw(self, **fields: Any) -> Timing:
        self._pipe.write(json.dumps({**TASK, **fields}) + "\n")
        self._pipe.flush()
        return self.next_timings()[-1]

    def close(self) -> None:
        self._pipe.close()
        super().close()

    def _command(self) -> list[str]:
        _, _, *flags = super()._command()
        return [sys.executable, "-c", BARE, *flags]


@contextmanager
def side_by_side(*flags: str, bare_flags: tuple[str, ...] = (), **pace: Any) -> Iterator[tuple[BareHost, NullHost]]:
    """Yield the bare host and the extended one, both started and warmed up."""
    with BareHost(*bare_flags, **pace) as bare, NullHost(*flags, **pace) as extended:
        for host in (bare, extended):
            assert isinstance(host, NullHost)
            host.draw()
            host.draw()
        assert isinstance(bare, BareHost)
        assert isinstance(extended, NullHost)
        yield bare, extended


def post(connection: HTTPConnection, body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    """Return the response of the generate route, which must be a success."""
    connection.request(
        "POST", "/v1/engine/generate", json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
    )
    response = connection.getresponse()
    content = response.read()
    assert response.status in (200, 202), f"{response.status} {content[:1000]!r}"
    return json.loads(content)


def load_average() -> float:
    """Return the load of this machine over the last minute, in processes."""
    return float(psutil.getloadavg()[0])
