"""Host processes that start with their modules imported: four of the five seconds of processor time of a start.

A process of the tests has one `preload_server` and asks it to fork each host. What Python reads from its environment at its start
is the same in all of them, and so are the database drivers: a host that needs others is started as a process of its own.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from fooocus_api.tests.support.hosts.preload_server import Start


class HostProcess(Protocol):
    """The part of `subprocess.Popen` that hosts use."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None:
        """Return the exit status, or None while the process runs. A signal's is negative."""

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status. Raise subprocess.TimeoutExpired after `timeout` seconds."""

    def send_signal(self, number: int) -> None:
        """Send a signal unless the process has ended."""

    def kill(self) -> None:
        """Send SIGKILL unless the process has ended."""


class ForkedProcess:
    """A host's process, whose parent is a supervisor of the server and reports its end."""

    def __init__(self, report: socket.socket) -> None:
        """Wait for the process.

        Raises:
            RuntimeError: the server has ended without starting one, as it does if a module of the product can't be imported.
        """
        self._report = report
        self._lines = report.makefile("r", encoding="ascii")
        line = self._lines.readline()
        if not line:
            self._lines.close()
            report.close()
            raise RuntimeError(
                "no host was forked: its modules can't be imported; correct the error in the captured stderr"
            )
        self.pid = int(line)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._result(0)

    def wait(self, timeout: float | None = None) -> int:
        status = self._result(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _result(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._report], (), (), timeout)[0]:
            self.returncode = int(self._lines.readline())
            self._lines.close()
            self._report.close()
        return self.returncode


class PreloadServer:
    """A server of this process, started with the first host. Inactive, as for the benchmarks, until it is enabled."""

    def __init__(self, *, of_cluster: bool = False) -> None:
        """Prepare a server for the nodes of clusters, or for hosts with their history in SQLite."""
        self._of_cluster = of_cluster
        self._enabled = False
        self._python: dict[str, str] = {}
        self._channel: socket.socket | None = None

    def enable(self) -> None:
        """Start hosts by forking from now on, where the system has all that it takes."""
        self._enabled = sys.platform == "linux"
        self._python = python_variables({**os.environ, **OUTPUT})

    def admits(self, command: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Return whether a host with this command and environment may be forked."""
        is_kind = CLUSTER_FLAG in command if self._of_cluster else DATABASE_FLAG not in command
        is_usual = command[0] == sys.executable and is_kind
        return self._enabled and is_usual and python_variables(environment) == self._python

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> ForkedProcess:
        """Start a host.

        Args:
            arguments: absolute path of the script, and its arguments.
            log: file to which the output is appended.
        """
        message = Start(arguments=[*arguments], environment=dict(environment), folder=str(folder), log=str(log))
        report, its_report = socket.socketpair()
        with its_report:
            socket.send_fds(self._connect(), [json.dumps(message).encode()], [its_report.fileno()])
        return ForkedProcess(report)

    def _connect(self) -> socket.socket:
        if self._channel is None:
            self._channel, its_channel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with its_channel:
                script = str(Path(__file__).with_name("preload_server.py"))
                kind = ["cluster"] if self._of_cluster else []
                server = subprocess.Popen(
                    [sys.executable, script, str(its_channel.fileno()), *kind],
                    env={**os.environ, **self._python},
                    stdin=subprocess.DEVNULL,
                    pass_fds=[its_channel.fileno()],
                    start_new_session=True,
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                )
            atexit.register(_end, server, self._channel)
        return self._channel


def _end(server: subprocess.Popen[bytes], channel: socket.socket) -> None:
    channel.close()
    server.wait()


DATABASE_FLAG, CLUSTER_FLAG = "--api-db", "--cluster"
OUTPUT = {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
"""Variables with which hosts write their logs."""


def python_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a Python reads at its start."""
    return {name: value for name, value in environment.items() if name.startswith("PYTHON")}


SERVERS = (PreloadServer(), PreloadServer(of_cluster=True))
