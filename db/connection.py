"""Opens the database: SQLite in a file, or whatever a peewee URL names. Called by the repository."""

from __future__ import annotations

import contextlib
import datetime
import logging
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from filelock import FileLock, Timeout
from peewee import Database, ImproperlyConfigured, OperationalError, PeeweeException, SqliteDatabase
from playhouse import db_url

log = logging.getLogger("fooocus_api.db")

NETWORK_FILE_SYSTEMS = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "afs",
    "sshfs",
    "webdav",
    "davfs",
    "glusterfs",
    "lustre",
    "ceph",
    "drvfs",
)
"""Where several machines may write: SQLite's write-ahead log needs memory that they don't share."""
ADVISORY_LOCK = 0x666F6F6F  # any number that other programs don't use


class DatabaseProblem(Exception):
    """The database can't be used; the message says why and what helps."""


class DatabaseInUse(DatabaseProblem):
    """Another process of ours has it."""


class Connection:
    """An open database, and the promise that no other process of ours works on it."""

    def __init__(self, location: Path | str) -> None:
        """Open or create it.

        Args:
            location: file of a SQLite database, or a URL as peewee takes it (`postgresql://user:password@host/name`).

        Raises:
            DatabaseProblem: it can't be opened, or another process has it.
        """
        self._lock: FileLock | None = None
        self.file = sqlite_file(location)
        try:
            self.database = self._open_sqlite(self.file) if self.file else db_url.connect(str(location))
            self.database.connect()
            if self.file is None:
                self._claim()
        except (PeeweeException, ImproperlyConfigured, RuntimeError, OSError) as error:
            self._release()
            raise DatabaseProblem(f"the database {shown(location)} can't be opened: {_advised(error)}") from error

    def _open_sqlite(self, file: Path) -> Database:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(f"{file}.lock")
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise DatabaseInUse(
                f"another Fooocus is running with the history {file}; "
                "start this one with an --output-path or an --api-db of its own"
            ) from None
        return sqlite_database(file)

    def _claim(self) -> None:
        """The same promise for PostgreSQL, which keeps it as long as this connection lives."""
        if "postgres" not in type(self.database).__name__.lower():
            return
        (ours,) = self.database.execute_sql("SELECT pg_try_advisory_lock(%s)", (ADVISORY_LOCK,)).fetchone()
        if not ours:
            raise DatabaseInUse("another Fooocus is running with this database; give this one an --api-db of its own")

    def back_up(self, version: int) -> None:
        """Keep what is there before a migration: a file beside the database, or copies of the tables."""
        if self.file is not None:
            stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
            target = self.file.with_name(f"{self.file.stem}.schema{version}-{stamp}.sqlite3")
            self.database.execute_sql("VACUUM INTO ?", (str(target),))
            log.info("the database was copied to %s before it is brought up to date", target.name)
            return
        for table in self.database.get_tables():
            copy = f"{table}_schema{version}"
            if "_schema" not in table or table == "schema_version":
                self.database.execute_sql(f'DROP TABLE IF EXISTS "{copy}"')
                self.database.execute_sql(f'CREATE TABLE "{copy}" AS SELECT * FROM "{table}"')

    def close(self) -> None:
        """Close this thread's connection and let others have the database."""
        with contextlib.suppress(PeeweeException):
            self.database.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()


def sqlite_file(location: Path | str) -> Path | None:
    """The file that a location means, None when it is another kind of database."""
    if isinstance(location, Path):
        return location
    parts = urlsplit(location)
    if parts.scheme != "sqlite":
        return None
    return Path(parts.path.removeprefix("/") or "tasks.sqlite3")


def sqlite_database(file: Path | str, *, uri: bool = False) -> SqliteDatabase:
    """A SQLite database whose commits survive a power cut, with a write-ahead log where that works."""
    modes = ("delete",) if not uri and on_network_drive(Path(file)) else ("wal", "delete")
    for mode in modes:
        pragmas = {"journal_mode": mode, "synchronous": "full", "foreign_keys": 1, "busy_timeout": 5_000}
        database = SqliteDatabase(str(file), pragmas=pragmas, uri=uri)
        try:
            with database.connection_context():
                database.execute_sql("SELECT count(*) FROM sqlite_master").fetchone()
            return database
        except OperationalError:
            if mode == modes[-1]:
                raise
    raise AssertionError("unreachable")


def on_network_drive(path: Path) -> bool:
    """Whether a file would lie where other machines may write, as far as the system tells."""
    path = path.absolute()
    if path.drive.startswith("\\\\"):
        return True
    with contextlib.suppress(OSError, RuntimeError):
        mounts = [part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)]
        if mounts:
            mount = max(mounts, key=lambda part: len(part.mountpoint))
            kind = f"{mount.fstype} {mount.opts}".lower()
            return any(name in kind for name in NETWORK_FILE_SYSTEMS) or "remote" in mount.opts.split(",")
    return False


def shown(location: Path | str) -> str:
    """A location without its password."""
    if isinstance(location, Path):
        return str(location)
    parts = urlsplit(location)
    return location.replace(f":{parts.password}@", ":…@") if parts.password else location


def _advised(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if isinstance(error, ImproperlyConfigured):
        return f'{text} Its driver is missing: for PostgreSQL, pip install "psycopg[binary]" into Fooocus\'s Python'
    return text
