"""The PostgreSQL server and the nodes of the benchmarks of clusters."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ...tests.support.databases.postgres import PostgresServer, programs
from ...tests.support.host import DEMO
from ..frame import Unavailable

DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_connections": "300",
}
"""Settings of a server that loses no commit, the defaults of PostgreSQL but for the number of connections."""
CHECKPOINTS = ("demo_daylight.safetensors", "demo_nightfall.safetensors", "demo_third.safetensors")
NULL = ("--demo-null", "256x256")


@contextmanager
def durable_server() -> Iterator[PostgresServer]:
    """Run a server whose commits reach the disk.

    Raises:
        Unavailable: PostgreSQL is not installed.
    """
    folder = programs()
    if folder is None:
        raise Unavailable("PostgreSQL is not installed")
    with PostgresServer(folder, **DURABLE) as server:
        yield server


@contextmanager
def three_checkpoints() -> Iterator[Path]:
    """Yield a copy of the demo with three checkpoints."""
    with TemporaryDirectory(prefix="fooocus-api-demo-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "demo"
        shutil.copytree(DEMO, copy, ignore=shutil.ignore_patterns("__pycache__", "outputs", "temp", "config.txt"))
        models = copy / "models" / "checkpoints"
        shutil.copyfile(models / CHECKPOINTS[1], models / CHECKPOINTS[2])
        yield copy
