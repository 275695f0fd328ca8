"""The real Fooocus of FOOOCUS_HOME with the extension, and bare: tasks come through a pipe."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...tests.support.client import QUICK, Client
from ...tests.support.host import REAL_ENVIRONMENT, REAL_FLAGS, Host, HostError, real_checkout, real_python
from .bare_host import ENDS, PIPE
from .null_engine import BARE

PATIENCE = 600


class RealHost(Host):
    """A real Fooocus with the extension. One task at a time, by `seconds`."""

    def __init__(self) -> None:
        checkout = real_checkout()
        if checkout is None:
            raise HostError("FOOOCUS_HOME is not set")
        python = real_python(checkout)
        super().__init__(checkout, flags=REAL_FLAGS, env=REAL_ENVIRONMENT, python=python, patience=300)

    def seconds(self, **fields: Any) -> float:
        """Run one task to its end, and return the seconds from its submission until its images are on the disk."""
        client = Client(self.url, patience=PATIENCE)
        began = time.monotonic()
        record = client.draw(**fields)
        seconds = time.monotonic() - began
        assert record["task_status"] == "finished", record
        return seconds


class BareRealHost(RealHost):
    """The same Fooocus without the extension."""

    def start(self) -> Host:
        pipe, self._ends = self.folder / "tasks", self.folder / "ends"
        os.mkfifo(pipe)
        self._env = {**self._env, PIPE: str(pipe), ENDS: str(self._ends)}
        super().start()
        self._pipe = pipe.open("w", encoding="utf-8")
        return self

    def seconds(self, **fields: Any) -> float:
        before = self._ended()
        began = time.monotonic()
        self._pipe.write(json.dumps({**QUICK, **fields}) + "\n")
        self._pipe.flush()
        while self._ended() == before:
            assert time.monotonic() - began < PATIENCE, f"no task ended; the host's log:\n{self.log()[-3000:]}"
            time.sleep(0.005)
        return time.monotonic() - began

    def close(self) -> None:
        self._pipe.close()
        super().close()

    def _ended(self) -> int:
        return self._ends.stat().st_size if self._ends.exists() else 0

    def _command(self) -> list[str]:
        _, _, *flags = super()._command()
        return [str(self.python), "-c", BARE, *flags]


@contextmanager
def real_side_by_side(**first: Any) -> Iterator[tuple[BareRealHost, RealHost]]:
    """Yield the bare host and the extended one, both started and warmed up by a task with these fields."""
    with BareRealHost() as bare, RealHost() as extended:
        assert isinstance(bare, BareRealHost)
        assert isinstance(extended, RealHost)
        for host in (bare, extended):
            host.seconds(**first)
        yield bare, extended
