"""A host that has little memory for answers and bodies, and clients that send a request and read nothing."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fooocus_api.tests.support.host import DEMO, Host, demo_host

LESS = """
from fooocus_api.api.images.large_answers import FILES_BUDGET
from fooocus_api.api.requests.memory_budget import BODY_BUDGET

FILES_BUDGET.reserve(FILES_BUDGET.left - {files})
BODY_BUDGET.reserve(BODY_BUDGET.left - {bodies})
"""
"""The end of the demo's `modules/config.py`, with which most of the memory is taken."""


def small_host(folder: Path, *flags: str, files: int = 2**30, bodies: int = 2**30, **options: Any) -> Host:
    """Return a demo host, not yet started, with that many bytes for files in answers, and for bodies."""
    checkout = folder / "demo"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("outputs", "__pycache__"))
    with (checkout / "modules" / "config.py").open("a", encoding="utf-8") as config:
        config.write(LESS.format(files=files, bodies=bodies))
    return demo_host(*flags, checkout=checkout, **options)


def send(connection: socket.socket, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Send a POST with a JSON body."""
    content = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(content)}", *(f"{name}: {value}" for name, value in headers.items())]
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)


@contextmanager
def unread(
    port: int, path: str, body: dict[str, Any], headers: Mapping[str, str], until: bytes = b"\r\n\r\n"
) -> Iterator[socket.socket]:
    """Send a request, read its response until these bytes, and read no further one in this block."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # else the system reads megabytes for it
        connection.settimeout(120)
        connection.connect(("127.0.0.1", port))
        send(connection, path, body, headers)
        read = b""
        while until not in read:
            piece = connection.recv(1024)
            assert piece, read
            read += piece
        assert read.startswith(b"HTTP/1.1 200"), read
        yield connection
