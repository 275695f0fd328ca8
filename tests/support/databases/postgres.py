"""A PostgreSQL server for tests, run from the system's package."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import psycopg

from fooocus_api.installer.development.local_postgres import LocalPostgres, programs
from fooocus_api.tests.support.host import free_port

USER = "tester"
PASSWORD = "s3cret%20word"  # as written in a URL: the password itself has a space
SETTINGS = {"shared_buffers": "16MB", "max_connections": "40"}

__all__ = ["PASSWORD", "PostgresServer", "programs"]


class PostgresServer(LocalPostgres):
    """A server with its data in a temp folder and a port of its own; it runs within its `with` block."""

    def __init__(self, bin_folder: Path, **settings: str) -> None:
        """Prepare the server. `settings` replace those of `SETTINGS`."""
        super().__init__(
            bin_folder, USER, PASSWORD.replace("%20", " "), port=free_port(), settings={**SETTINGS, **settings}
        )
        self._numbers = itertools.count(1)

    def __enter__(self) -> PostgresServer:
        super().__enter__()
        return self

    def restart_at_once(self) -> None:
        """Restart the server, which takes no leave of its connections."""
        self.stop("immediate")
        self.start()

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def hang_up(self) -> None:
        """Terminate all connections, as an administrator does."""
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    def execute(self, statement: str) -> None:
        """Execute one statement as the administrator."""
        with contextlib.closing(psycopg.connect(self.url("postgres"), autocommit=True)) as connection:
            connection.execute(statement.encode())
