"""`--demo-db`: runs a throw-away PostgreSQL with this machine's own programs."""

from __future__ import annotations

import secrets
import sys

from ..errors import InstallError
from .local_postgres import LocalPostgres, no_postgres, programs
from .stopping import UntilInterrupted, wait_while

USER = "fooocus"


def run_demo_db() -> int:
    """Run the database until Ctrl-C, and delete it.

    Returns:
        0.

    Raises:
        InstallError: PostgreSQL is not installed, or it does not run.
    """
    with demo_database() as database:
        print(f"A database to try things with (Ctrl-C stops and deletes it):\n\n  {database.url()}\n")
        print(f"  try        python install.py --demo --nodes 3 --api-db {database.url()}\n")
        with UntilInterrupted():
            wait_while(lambda: is_running(database))
            raise InstallError("PostgreSQL has ended by itself; start the database again")
    return 0


def demo_database() -> LocalPostgres:
    """Return a throw-away database with a random password, which starts and ends with its `with` block.

    Raises:
        InstallError: PostgreSQL is not installed.
    """
    folder = programs()
    if folder is None:
        raise InstallError(no_postgres(sys.platform))
    return LocalPostgres(folder, USER, secrets.token_hex(8))


def is_running(database: LocalPostgres) -> bool:
    """Return whether the database has not ended by itself."""
    return database.process is not None and database.process.poll() is None
