"""A terminal in which a program runs: a pseudo-terminal of the standard library, which Windows has not."""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from types import TracebackType

PATIENCE_S = 60
INTERRUPT_PAUSE_S = 5
COLUMNS, LINES = 100, 40
REACH = 200_000
"""Characters at the end of what is shown in which a text is looked for: a picture has many."""


class Terminal:
    """Runs a command, and reads what it shows."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
            preexec_fn=_own_terminal,
        )
        os.close(slave)
        self.shown = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def until(self, pattern: str) -> str:
        """Read until the program has shown a text, and return all that it has shown since the last call."""
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.shown[-REACH:], re.DOTALL):
            assert time.monotonic() < deadline and self._read(), f"{pattern!r} not in {self.shown[-2000:]!r}"
        shown, self.shown = self.shown, ""
        return shown

    def keys(self, text: str) -> None:
        """Type keys; `\\x03` is Ctrl-C."""
        os.write(self._master, text.encode())

    def interrupt_until(self, pattern: str) -> str:
        """Press Ctrl-C, every few seconds again, until the program has shown a text.

        An interrupt between Python's last look for signals and its read of the terminal is noticed with the next key alone.
        """
        deadline = time.monotonic() + PATIENCE_S
        self.keys("\x03")
        while not re.search(pattern, self.shown[-REACH:], re.DOTALL):
            assert time.monotonic() < deadline, f"{pattern!r} not in {self.shown[-2000:]!r}"
            if select.select([self._master], [], [], INTERRUPT_PAUSE_S)[0]:
                assert self._read(), f"{pattern!r} not in {self.shown[-2000:]!r}"
            else:
                self.keys("\x03")
        shown, self.shown = self.shown, ""
        return shown

    def end(self) -> int:
        """Read until the program ends, and return its exit status."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_S)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], PATIENCE_S)[0]:
            return False
        with contextlib.suppress(OSError):  # Linux reports the end of a pseudo-terminal as an error
            if chunk := os.read(self._master, 65536):
                self.shown += chunk.decode("utf-8", "replace")
                return True
        return False


def _own_terminal() -> None:
    """Make the pseudo-terminal that of the new process, so that Ctrl-C reaches it."""
    import fcntl
    import signal
    import termios

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell starts programs in the background with it ignored
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def command_line(*arguments: str) -> list[str]:
    """Return the command of the command line, as a process of its own."""
    return [sys.executable, "-m", "fooocus_api_client", *arguments]
