"""Opens the database, SQLite in a file or any that a peewee URL names, and locks it against processes outside its cluster."""

from __future__ import annotations

import contextlib
import datetime
import glob
import logging
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from peewee import (
    Database,
    ImproperlyConfigured,
    OperationalError,
    PeeweeException,
    PostgresqlDatabase,
    SqliteDatabase,
)
from playhouse import db_url

from ..files.replacing import discard
from . import locks
from .disk.drives import keeps_numbers, named_and_resolved, on_network_drive, synchronised_by_onedrive
from .disk.placement import Placement, need_room
from .membership import Membership

log = logging.getLogger("fooocus_api.db")

LOCK_RELEASE_TIMEOUT_S = 2.0
"""Seconds to retry the advisory lock: PostgreSQL releases it a moment after a connection closes, when its server process has
ended."""
CONNECT_S = 10
"""Seconds that a server may take to accept a connection: Fooocus's WebUI waits for it on startup."""
KEEPALIVE = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
"""Keepalive settings by which PostgreSQL notices within a minute that this machine is gone, and releases its advisory lock."""


CLUSTER_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
"""Settings by which a process of a cluster notices within half a minute that the server's machine is gone."""
IDLE_TIMEOUT_S = 10
"""Seconds after which PostgreSQL ends a transaction of a cluster's process that hangs: its locks would hold all others up."""


class DatabaseProblem(Exception):
    """The database can't be used; the message gives the reason and a remedy."""


class FileIsGone(DatabaseProblem):
    """The database's file is not the one that was opened any more."""


class DatabaseInUse(DatabaseProblem):
    """Another Fooocus process uses the database."""


class Connection:
    """A database, locked so that no other Fooocus process uses it, except for those of the same cluster."""

    def __init__(self, location: Path | str, membership: Membership | None = None) -> None:
        """Open or create the database.

        Args:
            location: file of a SQLite database, or a URL as peewee takes it (`postgresql://user:password@host/name`).
            membership: this process's place in a cluster, None without one.

        Raises:
            DatabaseProblem: the database can't be opened, or another process uses it.
        """
        self._membership = membership
        self._session: tuple[int, str] | None = None
        self._lock: FileLock | None = None
        self._placement: Placement | None = None
        try:
            self.file = sqlite_file(location)
            self.database: Database = self._open_sqlite(self.file) if self.file else _server(str(location), membership)
            if membership is not None and not isinstance(self.database, PostgresqlDatabase):
                raise DatabaseProblem("a cluster needs PostgreSQL; give --api-db postgresql://user:password@host/name")
            try:
                self.open(wait_for_schema=membership is not None)
            except Exception:
                self.close_thread()
                raise
            if self.file is not None:
                self._placement = Placement(self.file, by_number=keeps_numbers(self.file))
        except DatabaseProblem:
            self._release()
            raise
        except (PeeweeException, ImproperlyConfigured, RuntimeError, ValueError, OSError) as error:
            self._release()
            text = without_password(advised(error), location)
            raise DatabaseProblem(f"the database {shown(location)} can't be opened: {text}") from error

    def _open_sqlite(self, file: Path) -> Database:
        file.parent.mkdir(parents=True, exist_ok=True)
        if any(map(synchronised_by_onedrive, named_and_resolved(file))):
            log.warning(
                "the history lies in a folder that OneDrive synchronises, which may hold it up or mix it with another "
                "machine's; start Fooocus with an --output-path outside of it",
                extra={"file": str(file)},
            )
        self._lock = FileLock(f"{file}.lock", thread_local=False)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise DatabaseInUse(
                f"another Fooocus is running with the history {file}; "
                "start this one with an --output-path or an --api-db of its own"
            ) from None
        return sqlite_database(file)

    def open(self, *, wait_for_schema: bool = False) -> None:
        """Open this thread's connection. On PostgreSQL the advisory locks last as long as this connection, so the writer must
        keep it.

        Args:
            wait_for_schema: wait until no other process changes the schema, and keep the others of a cluster waiting.

        Raises:
            DatabaseProblem: another process uses the database, or its file is gone.
            peewee.PeeweeException: the database refuses the connection.
        """
        self.check()  # or SQLite would create an empty file
        self.database.connect()
        if not isinstance(self.database, PostgresqlDatabase):
            return
        for name, value in KEEPALIVE.items():
            self.database.execute_sql(f"SET {name} = {value}")
        if self._membership is not None:
            seconds = max(1, round(min(IDLE_TIMEOUT_S, self._membership.timeout_s / 3)))
            self.database.execute_sql(f"SET idle_in_transaction_session_timeout = '{seconds}s'")
            self._end_earlier()
        last_try = time.monotonic() + LOCK_RELEASE_TIMEOUT_S
        if wait_for_schema:
            locks.wait_for(self.database, locks.SCHEMA)
            last_try = time.monotonic() + LOCK_RELEASE_TIMEOUT_S
        while (reason := locks.refusal(self.database, self._membership)) is not None:
            if time.monotonic() > last_try:
                raise DatabaseInUse(reason)
            time.sleep(0.05)

    def _end_earlier(self) -> None:
        """End the writer's earlier session, which keeps its locks for as long as the server believes in its connection."""
        if self._session is not None:
            statement = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE (pid, backend_start::text) = (%s, %s)"
            )
            self.database.execute_sql(statement, self._session)
        now = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        self._session = self.database.execute_sql(now).fetchone()

    @property
    def is_shared(self) -> bool:
        """Return whether other processes of a cluster may use the database at the same time."""
        return self._membership is not None

    def need_to_be_alone(self) -> None:
        """Make sure that no other process uses the database, so that its schema can change.

        Raises:
            DatabaseInUse: another process of the cluster uses it.
        """
        last_try = time.monotonic() + LOCK_RELEASE_TIMEOUT_S
        while self.is_shared and not locks.tried(self.database, locks.ONE_PROCESS):
            if time.monotonic() > last_try:
                raise DatabaseInUse(
                    "its schema has to change, and other nodes use it; end all of them, then start this version"
                )
            time.sleep(0.05)

    def check(self) -> None:
        """Make sure that the file is the one that was opened. It costs a few microseconds for one `stat` call.

        Raises:
            FileIsGone: the file was deleted, moved or replaced.
        """
        if self._placement is not None and not self._placement.is_kept():
            name = self.file.name if self.file else ""
            raise FileIsGone(
                f"its file {name} was deleted, moved or replaced while Fooocus runs; put it back, or restart Fooocus"
            )

    def need_room(self) -> None:
        """Make sure that the disk has space for a task, if the database is a file.

        Raises:
            OSError: the disk has no space, or can't be written.
        """
        if self.file is not None:
            need_room(self.file.parent)

    def back_up(self, version: int, tables: Iterable[str]) -> None:
        """Back up these tables before a migration: SQLite to a file next to the database, others to copies inside it."""
        if self.file is not None:
            stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
            target = self.file.with_name(f"{self.file.stem}.schema{version}-{stamp}.sqlite3")
            try:
                self.database.execute_sql("VACUUM INTO ?", (str(target),))
            except BaseException:
                discard(target)
                raise
            for earlier in self.file.parent.glob(f"{glob.escape(self.file.stem)}.schema{version}-*.sqlite3"):
                if earlier != target:  # of an interrupted migration: this copy has the same tables
                    discard(earlier)
            log.info("database backed up before migration", extra={"copy": target.name})
            return
        for table in tables:
            copy = f"{table}_schema{version}"
            self.database.execute_sql(f'DROP TABLE IF EXISTS "{copy}"')
            self.database.execute_sql(f'CREATE TABLE "{copy}" AS SELECT * FROM "{table}"')  # nosec B608  # names of our tables

    def close(self) -> None:
        """Close this thread's connection and unlock the database."""
        self.close_thread()
        self._release()

    def close_thread(self) -> None:
        """Close this thread's connection, if it has one. Never raises, as the connection may be broken already."""
        with contextlib.suppress(PeeweeException):
            self.database.close()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()


def sqlite_file(location: Path | str) -> Path | None:
    """Return the SQLite file that a location names, None for another kind of database."""
    if isinstance(location, Path):
        return location
    scheme, _, rest = location.partition("://")
    if scheme.lower() != "sqlite":
        return None
    # Not parsed as a URL: a folder's name may have a `#`, and `C:` would be the host.
    return Path(rest.partition("?")[0].removeprefix("/") or "tasks.sqlite3")


def sqlite_database(file: Path | str, *, uri: bool = False) -> SqliteDatabase:
    """Return a SQLite database whose commits survive a power cut, with a write-ahead log where that works."""
    modes = ("delete",) if not uri and on_network_drive(Path(file)) else ("wal", "delete")
    for mode in modes:
        pragmas = {
            "journal_mode": mode,
            "synchronous": "full",
            "foreign_keys": 1,
            "busy_timeout": 5_000,
            "cache_size": -8_000,  # kibibytes: the upper parts of the indexes of a million rows
        }
        database = SqliteDatabase(str(file), pragmas=pragmas, uri=uri)
        try:
            with database.connection_context():
                database.execute_sql("SELECT count(*) FROM sqlite_master").fetchone()
            return database
        except OperationalError:
            if mode == modes[-1]:
                raise
    raise AssertionError("unreachable")


def shown(location: Path | str) -> str:
    """Return a location without its password."""
    return without_password(str(location), location)


def without_password(text: str, location: Path | str) -> str:
    """Return a text without the location's password."""
    try:
        password = None if isinstance(location, Path) else urlsplit(location).password
    except ValueError:  # not a URL: any part of it may be the password
        return text.replace(str(location), "…")
    if password:
        text = text.replace(f":{password}@", ":…@")
    return text


def _server(url: str, membership: Membership | None) -> Database:
    """Return the database of a URL, not opened yet."""
    parts = urlsplit(url)
    postgres = parts.scheme.startswith(("postgres", "psycopg"))
    patience = {"connect_timeout": CONNECT_S} if postgres and "connect_timeout" not in parts.query else {}
    kept = {} if membership is None else CLUSTER_KEEPALIVE
    return db_url.connect(url, unquote_password=True, unquote_user=True, **patience, **kept)


def advised(error: Exception) -> str:
    """Return an error's text with a remedy."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ImproperlyConfigured):
        return f'{text}; its driver is missing: for PostgreSQL, pip install "psycopg[binary]" into Fooocus\'s Python'
    if "scheme" in text:
        return f"{text}; give a URL as in postgresql://user:password@host/name or sqlite:///path/to/file.sqlite3"
    if isinstance(error, DatabaseProblem):  # it has one
        return text
    return f"{text}; check --api-db and that the database runs, or restore a copy of it"
