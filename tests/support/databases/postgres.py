"""A PostgreSQL server for tests, run from the system's package."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.host import free_port

USER = "tester"
PASSWORD = "s3cret%20word"  # as written in a URL: the password itself has a space
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "listen_addresses": "127.0.0.1",
}
"""Fast settings that lose data in a power cut, which tests don't have."""


def programs() -> Path | None:
    """Return the folder of the newest `initdb` and `postgres`, or None if PostgreSQL is not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3].zfill(4))
    found = [*debian, *(Path(path) for path in [shutil.which("initdb")] if path)]
    return next((path.parent for path in reversed(found) if path.with_name("postgres").is_file()), None)


class PostgresServer:
    """A server with its data in a temp folder and a port of its own; it runs within its `with` block."""

    def __init__(self, bin_folder: Path, **settings: str) -> None:
        """Prepare the server. `settings` replace those of `SETTINGS`."""
        self._bin = bin_folder
        self._settings = {**SETTINGS, **settings}
        self._folder = tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        # The programs refuse to run as root; their package has created a user for them.
        self._as: dict[str, Any] = {}
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self._folder.name, "postgres", "postgres")

    def __enter__(self) -> PostgresServer:
        folder = Path(self._folder.name)
        (folder / "password").write_text(PASSWORD.replace("%20", " "), encoding="utf-8")
        command = [f"{self._bin}/initdb", "-D", f"{folder}/data", "-U", USER, "--pwfile", f"{folder}/password"]
        quick = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
        subprocess.run([*command, *quick], check=True, cwd=folder, stdout=subprocess.DEVNULL, **self._as)
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> PostgresServer:
        """Start the server, also after `stop`, and return when it accepts connections."""
        folder = Path(self._folder.name)
        settings = {**self._settings, "port": str(self.port), "unix_socket_directories": str(folder)}
        command = [str(self._bin / "postgres"), "-D", str(folder / "data")]
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *(word for item in settings.items() for word in ("-c", "=".join(item)))],
                cwd=folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as,
            )
        wait_for(self._answers, f"PostgreSQL to start: {(folder / 'log').read_text('utf-8', 'replace')}", 60)
        return self

    def stop(self) -> None:
        """Stop the server and all its connections."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
            self.process = None

    def restart_at_once(self) -> None:
        """Restart the server, which takes no leave of its connections."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(60)
        self.start()

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str, *, password: str = PASSWORD) -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def hang_up(self) -> None:
        """Terminate all connections, as an administrator does."""
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    def execute(self, statement: str) -> None:
        """Execute one statement as the administrator."""
        with contextlib.closing(psycopg.connect(self.url("postgres"), autocommit=True)) as connection:
            connection.execute(statement.encode())

    def _answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, "PostgreSQL has ended"
        with contextlib.suppress(psycopg.OperationalError):
            self.execute("SELECT 1")
            return True
        return False
