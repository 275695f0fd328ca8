"""Programs that run together in one terminal, their output with a name before each line."""

from __future__ import annotations

import subprocess  # nosec B404  # lists of arguments, no shell
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

END_TIMEOUT_S = 60.0
"""Seconds that a program gets to end by itself: a node finishes the task that it has begun."""


class Child:
    """A program whose output is printed line by line. A Ctrl-C in the terminal does not reach it: it is ended by `stop`."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        self.name = name
        self._process = subprocess.Popen(  # nosec B603  # see its import
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            **_apart(),
        )
        self._printer = threading.Thread(target=self._print, args=(self._process.stdout,), daemon=True)
        self._printer.start()

    def runs(self) -> bool:
        """Return whether it has not ended."""
        return self._process.poll() is None

    def ask_to_end(self) -> None:
        """Send it the signal to end."""
        if self.runs():
            self._process.terminate()

    def wait(self) -> None:
        """Wait for its end; after `END_TIMEOUT_S` or a Ctrl-C, kill it."""
        try:
            self._process.wait(END_TIMEOUT_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._process.kill()
            self._process.wait()
        self._printer.join(1)

    def _print(self, output: IO[str] | None) -> None:
        if output is not None:
            with output:
                for line in output:
                    print(f"{self.name} | {line.rstrip()}")
        print(f"{self.name} | has ended with status {self._process.wait()}")


def _apart() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
