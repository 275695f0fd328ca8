"""A process that has imported the modules of a host and forks for each host that is to start. Linux only.

    python preload_server.py SOCKET_NUMBER [cluster]

Each message on the socket is a `Start` as JSON, with a socket of its own that receives two lines: the host's process id, and its
exit status once it has ended. End of file on the socket ends the server, not the hosts.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import warnings
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parents[3]

LIBRARIES = (
    "aiofiles",
    "altair",
    "anyio",
    "concurrent.futures",
    "email.message",
    "fastapi",
    "ffmpy",
    "fsspec",
    "gradio",
    "gradio_client",
    "httpx",
    "huggingface_hub",
    "jinja2",
    "json",
    "markdown_it",
    "matplotlib.pyplot",
    "mdit_py_plugins",
    "multiprocessing",
    "numpy",
    "orjson",
    "packaging.version",
    "pandas",
    "PIL.Image",
    "PIL.ImageOps",
    "PIL.PngImagePlugin",
    "pydantic",
    "pydub",
    "requests",
    "semantic_version",
    "setuptools",
    "distutils.version",
    "starlette.testclient",
    "typing_extensions",
    "urllib.request",
    "uvicorn",
    "websockets",
    "websockets.legacy.client",
    "yaml",
)
"""Modules that a demo host imports. A missing one is left out."""
EXTENSION = (
    "fooocus_api.extension",
    "fooocus_api.adapters.instrumentation",
    "fooocus_api.runtime",
    "fooocus_api.api.app",
)
CLUSTER = ("psycopg", "procrastinate", "fooocus_api.cluster_runtime", *EXTENSION)
MAX_MESSAGE_BYTES = 1 << 20


class Start(TypedDict):
    """A host to start: its command without the interpreter, its environment and folder, and the file that gets its output."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    log: str


def serve(channel: socket.socket) -> Start | None:
    """Serve starts until the client closes the socket.

    Returns:
        None in the server once the client has closed the socket; in each host's process its start.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the supervisors
    while True:
        message, sockets, _, _ = socket.recv_fds(channel, MAX_MESSAGE_BYTES, 1)
        if not message:
            return None
        report = socket.socket(fileno=sockets[0])
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            channel.close()
            return supervise(json.loads(message), report)
        report.close()


def supervise(start: Start, report: socket.socket) -> Start:
    """Fork the host and report its process id and its exit status. Only the host's process returns."""
    process = os.fork()
    if process == 0:
        report.close()
        return start
    report.sendall(f"{process}\n".encode())
    _, status = os.waitpid(process, 0)
    report.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def become(start: Start) -> None:
    """Give this process the session, files, environment and arguments that a process of its own would have."""
    os.setsid()
    with open(start["log"], "ab") as log, open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.clear()
    os.environ.update(start["environment"])
    os.chdir(start["folder"])
    sys.argv = start["arguments"]
    sys.path[0] = os.path.dirname(start["arguments"][0])


def preload(*, of_cluster: bool) -> None:
    """Import the libraries, and the extension without the database drivers, as for a history in SQLite, or with a cluster's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydub looks for ffmpeg
        for library in LIBRARIES:
            with contextlib.suppress(ImportError):
                importlib.import_module(library)
    sys.path.insert(0, str(ROOT))
    importlib.import_module("load_package").load_package()
    sys.path.remove(str(ROOT))
    drivers = importlib.import_module("fooocus_api.db.drivers")
    with contextlib.nullcontext() if of_cluster else drivers.without_drivers():
        for module in CLUSTER if of_cluster else EXTENSION:
            importlib.import_module(module)
    gc.collect()
    gc.freeze()  # the collections of a host leave what all share alone: a third of the processor time of its start


class Exit:
    """The end of a host's process, as Python ends it, but without taking modules apart: they take a second."""

    def __init__(self) -> None:
        self._status: int | None = None

    def leave(self) -> None:
        """End the process with the status of its script, as the last exit handler; do nothing in the server."""
        if self._status is None:
            return
        for stream in sys.stdout, sys.stderr:
            stream.flush()
        if self._status == -signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)
        os._exit(self._status)

    def run(self, script: str) -> None:
        """Run a script as the main module."""
        self._status = 1
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as end:
            self._status = end.code if isinstance(end.code, int) else int(end.code is not None)
            raise
        except KeyboardInterrupt:
            self._status = -signal.SIGINT
            raise
        self._status = 0


if __name__ == "__main__":
    end = Exit()
    atexit.register(end.leave)  # the first one to be registered is the last one to run
    preload(of_cluster="cluster" in sys.argv[2:])
    with socket.socket(fileno=int(sys.argv[1])) as starts:
        asked = serve(starts)
    if asked is not None:
        become(asked)
        end.run(asked["arguments"][0])
