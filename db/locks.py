"""Advisory locks of PostgreSQL: of a process, as long as its connection lasts, and of a transaction."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from peewee import Database

from .membership import Membership

ONE_PROCESS = 0x666F6F6F  # any number that other programs don't use; the others follow it
"""Held alone by a process without a cluster, and shared by the processes of one: each kind refuses the other."""
ADMISSION = ONE_PROCESS + 1
"""For a transaction that counts tasks or batches and then adds one: no other adds one in between."""
CLAIM = ONE_PROCESS + 2
"""For a transaction that chooses the next task and takes it."""
RANKS = ONE_PROCESS + 3
"""For a transaction that reads the lowest or highest rank and then sets one."""
SCHEMA = ONE_PROCESS + 4
"""Held by a process of a cluster from before it looks at the schema until it is up to date."""


def refusal(database: Database, membership: Membership | None) -> str | None:
    """Take the locks of this process on this thread's connection. Return the reason if another process has one of them."""
    if membership is None:
        if tried(database, ONE_PROCESS):
            return None
        return "another Fooocus is running with this database; give this one another --api-db, or --cluster if it joins a cluster"
    if not _first(database, "SELECT pg_try_advisory_lock_shared(%s)", (ONE_PROCESS,)):
        return "a Fooocus without --cluster is running with this database; end it, or start it with --cluster, too"
    # The form with two keys, which has numbers of its own.
    if not _first(database, "SELECT pg_try_advisory_lock(%s::int, %s::int)", (ONE_PROCESS, _number(membership.name))):
        _first(database, "SELECT pg_advisory_unlock_shared(%s)", (ONE_PROCESS,))  # or a retry would take it twice
        return f"another process runs as node {membership.name}; give this one another --node-name"
    return None


def tried(database: Database, number: int) -> bool:
    """Take a lock on this thread's connection for as long as it lasts. Return False if another connection has it."""
    return bool(_first(database, "SELECT pg_try_advisory_lock(%s)", (number,)))


def wait_for(database: Database, number: int) -> None:
    """Take a lock on this thread's connection for as long as it lasts, once no other connection has it."""
    _first(database, "SELECT pg_advisory_lock(%s)", (number,))


def take(database: Database, numbers: Iterable[int]) -> None:
    """Take locks until the end of this thread's transaction, each once no other transaction has it."""
    for number in sorted(set(numbers)):  # in the same order everywhere: two transactions never wait for each other
        _first(database, "SELECT pg_advisory_xact_lock(%s)", (number,))


def _first(database: Database, statement: str, values: tuple[int, ...]) -> object:
    (value,) = database.execute_sql(statement, values).fetchone()
    return value


def _number(name: str) -> int:
    """Return a name's number in the range of a signed integer of 32 bits."""
    return zlib.crc32(name.encode()) - 2**31
