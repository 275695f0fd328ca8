"""Runs a checkout as a process of its own, with or without the extension. For tests and benchmarks."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fooocus_api.tests.support.hosts.preloaded import OUTPUT, SERVERS, HostProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent.parent
DEMO = ROOT / "demo"
EXTENSION = ROOT / "extension.py"
AS_ON_WINDOWS = ROOT / "tests" / "support" / "hosts" / "as_on_windows.py"
FORKED = {str(EXTENSION), str(AS_ON_WINDOWS)}
"""Scripts of hosts that may start with their modules imported."""
REAL_FLAGS = ("--always-cpu", "--disable-in-browser", "--disable-analytics", "--disable-preset-download")
REAL_ENVIRONMENT = {
    "MODEL_CHECKSUM_DISABLED": "1",  # otherwise rembg downloads the real weights over the tiny ones
    "REQS_FILE": os.devnull,  # otherwise a checkout with other pinned versions has pip install them into FOOOCUS_PYTHON
}

Way = Literal["extension", "launch", "entry_with_update"]


class HostError(RuntimeError):
    """The host did not start; the message ends with its log."""


class Host:
    """One host process with its own port, outputs, temp folder and settings file.

    Args:
        checkout: folder with `launch.py`. Only Fooocus itself writes into it.
        way: "extension" runs this repository's extension.py against the checkout, which needs no install;
            "launch" and "entry_with_update" run the checkout's own script, with or without an installed hook.
        flags: further command line flags.
        env: further environment variables.
        python: interpreter; by default the one that runs the tests.
        folder: the working directory; by default the checkout.
        patience: seconds until HTTP must answer.

    As a context manager it starts on entry and closes on exit. After `stop` or `kill`, `start` restarts
    the same host with the same port, outputs and history.
    """

    def __init__(
        self,
        checkout: Path | str,
        *,
        way: Way = "extension",
        flags: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        python: Path | str = sys.executable,
        folder: Path | None = None,
        patience: float = 240,
    ) -> None:
        self.checkout = Path(checkout).resolve()
        self.python = Path(python)
        self.started_in = folder or self.checkout
        self.way = way
        self.flags = tuple(flags)
        self.patience = patience
        self.port = free_port()
        self.process: HostProcess | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="fooocus-api-host-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.outputs = self.folder / "outputs"
        self.temp = self.folder / "temp"
        self._log_file = self.folder / "host.log"
        self._env = dict(env or {})

    @property
    def url(self) -> str:
        """Address without a trailing slash, as in http://127.0.0.1:7865."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Host:
        """Start the process and return when its HTTP answers.

        Raises:
            HostError: the process ended or did not answer; the message ends with its log.
        """
        self.outputs.mkdir(exist_ok=True)
        self.temp.mkdir(exist_ok=True)
        command, environment = self._command(), self._environment()
        server = next((one for one in SERVERS if command[1] in FORKED and one.admits(command, environment)), None)
        if server is not None:
            self.process = server.start(command[1:], environment, self.started_in, self._log_file)
        else:
            with self._log_file.open("ab") as log:
                self.process = subprocess.Popen(
                    command,
                    cwd=self.started_in,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    **detached(),
                )
        try:
            self._wait_for_http()
        except BaseException:
            self.kill()
            raise
        return self

    def log(self) -> str:
        """Return all output of the host, over all its starts."""
        return self._log_file.read_text("utf-8", "replace") if self._log_file.exists() else ""

    def status_on_disk(self, task_id: str) -> str | None:
        """Return the status in a task's row, which would survive a kill: clients see a start a moment before it is written."""
        database = self.outputs / ".fooocus_api" / "tasks.sqlite3"
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT status FROM task WHERE task_id = ?", (task_id,)).fetchone()
        return row[0] if row else None

    def images(self) -> set[Path]:
        """Return the images that the host has written so far."""
        return {path for path in self.outputs.glob("*/*") if path.suffix in (".png", ".jpeg", ".webp")}

    def stop(self) -> int | None:
        """Stop the process as Ctrl-C does, and kill it if that takes long. Return the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            if sys.platform == "win32":
                self.process.send_signal(signal.CTRL_BREAK_EVENT)
            else:
                self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        return self.kill()

    def kill(self) -> int | None:
        """Kill the process without warning, as a crash or the kernel would. Return the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            if sys.platform == "win32":
                self.process.kill()
            else:
                os.killpg(self.process.pid, signal.SIGKILL)  # the session that `detached` made for it
        return self.process.wait()

    def close(self) -> None:
        """Kill the process, which saves the second that Python takes to end, and delete its outputs and history."""
        self.kill()
        self._folder.cleanup()

    def __enter__(self) -> Host:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _command(self) -> list[str]:
        script = EXTENSION if self.way == "extension" else self.checkout / f"{self.way}.py"
        paths = ["--output-path", str(self.outputs), "--temp-path", str(self.temp)]
        return [str(self.python), str(script), "--port", str(self.port), *paths, *self.flags]

    def _environment(self) -> dict[str, str]:
        # Fooocus writes the paths of its command line into a missing config.txt, so it gets one of its own.
        settings = self.folder / "config.txt"
        if not settings.exists() and (self.checkout / "config.txt").exists():
            shutil.copyfile(self.checkout / "config.txt", settings)
        env = {
            **os.environ,
            **OUTPUT,
            "config_path": str(settings),
            "config_example_path": str(self.folder / "config_modification_tutorial.txt"),
        }
        if self.way == "extension":
            env["FOOOCUS_API_CHECKOUT"] = str(self.checkout)
        return {**env, **self._env}

    def _wait_for_http(self) -> None:
        assert self.process is not None
        began = reported = time.monotonic()
        while not answers(self.url):
            now = time.monotonic()
            if self.process.poll() is not None:
                raise HostError(f"{self._name()} ended with status {self.process.returncode}{self._log_tail()}")
            if now - began > self.patience:
                raise HostError(f"{self._name()} does not answer after {self.patience:.0f} s{self._log_tail()}")
            if now - reported > 15:
                reported = now
                print(f"{self._name()} starts since {now - began:.0f} s{self._log_tail(1)}", flush=True)
            time.sleep(0.03)

    def _name(self) -> str:
        return f"{self.checkout} ({self.way}) on {self.url}"

    def _log_tail(self, lines: int = 60) -> str:
        return "\n" + "\n".join(self.log().splitlines()[-lines:])


def demo_host(
    *flags: str, step_ms: int = 5, load_ms: int = 0, way: Way = "extension", checkout: Path = DEMO, **options: Any
) -> Host:
    """Return a demo host, not yet started: the demo's checkout with this interpreter.

    `step_ms` and `load_ms` are the durations of a sampling step and of loading a checkpoint, `options` those of `Host`.
    """
    pace = ("--demo-step-ms", str(step_ms), "--demo-load-ms", str(load_ms))
    usual = ("--disable-in-browser", "--disable-analytics")
    return Host(checkout, way=way, flags=(*usual, *pace, *flags), patience=90, **options)


def real_host(*flags: str, way: Way = "extension", checkout: Path | None = None, python: Path | None = None) -> Host:
    """Return a real Fooocus, not yet started: FOOOCUS_HOME with FOOOCUS_PYTHON, on the CPU."""
    home = checkout or real_checkout()
    if home is None:
        raise HostError("FOOOCUS_HOME is not set")
    return Host(
        home,
        way=way,
        flags=(*REAL_FLAGS, *flags),
        env=REAL_ENVIRONMENT,
        python=python or real_python(home),
        patience=300,
    )


def real_checkout() -> Path | None:
    """Return the checkout that FOOOCUS_HOME names, or None. Raise HostError if it names something else."""
    home = os.environ.get("FOOOCUS_HOME")
    if not home:
        return None
    if not Path(home, "fooocus_version.py").is_file():
        raise HostError(f"FOOOCUS_HOME is {home}, which is not a Fooocus checkout (it has no fooocus_version.py)")
    return Path(home).resolve()


def real_python(checkout: Path) -> Path:
    """Return the checkout's interpreter: FOOOCUS_PYTHON, else a venv inside or next to it, else the running one."""
    named = os.environ.get("FOOOCUS_PYTHON")
    if named:
        return Path(named)
    inside = [checkout / venv / python for venv in ("venv", ".venv", "fooocus_env") for python in _PYTHONS]
    beside = [checkout.parent / venv / python for venv in ("venv", ".venv", "python_embeded") for python in _PYTHONS]
    return next((path for path in inside + beside if path.is_file()), Path(sys.executable))


_PYTHONS = ("bin/python", "Scripts/python.exe", "python.exe")


PORTS = range(20_000, 32_000)
"""Below the ports that Linux, macOS and Windows give to outgoing connections: one could be taken before a host has it."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free now, chosen at random, so that no two test processes get the same one."""
    chosen = random.SystemRandom()
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = chosen.choice(PORTS)
            probe.bind(("127.0.0.1", port))
            return port


def answers(url: str) -> bool:
    """Return whether the URL answers HTTP, with any status."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        direct.open(url, timeout=30).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def detached() -> dict[str, Any]:
    """Return process options that isolate the host from a Ctrl-C meant for the tests, but let it receive its own SIGINT."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True, "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
