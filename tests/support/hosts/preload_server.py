"""A process that has imported the libraries of a host and forks for each host that is to start. Linux and macOS; stdlib only.

    python preload_server.py SOCKET_NUMBER

Each message on the socket is a `Start` as JSON, with a socket of its own that receives two lines: the host's process id, and its
exit status once it has ended. End of file on the socket ends the server, not the hosts.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import warnings
from typing import TypedDict

LIBRARIES = (
    "aiofiles",
    "altair",
    "anyio",
    "concurrent.futures",
    "email.message",
    "fastapi",
    "ffmpy",
    "fsspec",
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
"""Modules that a demo host imports and the extension does not patch: all but Gradio itself. A missing one is left out."""
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


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydub looks for ffmpeg
        for library in LIBRARIES:
            with contextlib.suppress(ImportError):
                importlib.import_module(library)
    with socket.socket(fileno=int(sys.argv[1])) as starts:
        asked = serve(starts)
    if asked is not None:
        become(asked)
        del asked
        runpy.run_path(sys.argv[0], run_name="__main__")
