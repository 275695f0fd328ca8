"""Places of the database: URLs, files, network drives, and those where it can't be opened."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from fooocus_api.db import connection
from fooocus_api.db.connection import DatabaseProblem, sqlite_database, sqlite_file
from fooocus_api.db.disk.drives import keeps_numbers, on_network_drive
from fooocus_api.db.repository import Repository
from fooocus_api.tests.support.databases.databases import inserted, row
from fooocus_api.tests.support.databases.postgres import PASSWORD, PostgresServer
from fooocus_api.tests.support.host import free_port


def test_what_is_wrong_with_a_url_is_said_without_its_password(postgres: PostgresServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database, but longer than its header would be: " + "x" * 200, encoding="utf-8")
    nobody_listens = f"postgresql://u:{PASSWORD}@127.0.0.1:{free_port()}/x"
    wrong = {
        postgres.url("no_such_database"): "does not exist",
        postgres.url("postgres", password="wr0ng%2Fword"): "password authentication failed",
        nobody_listens: "refused",
        f"postgresql://u:{PASSWORD}@127.0.0.1:{postgres.port}": "no database name",
        f"postgresql://u:{PASSWORD}@127.0.0.1:port/x": "port",
        f"postgresql://u:{PASSWORD}@[::1/x": "IPv6",
        f"postgresql://u:{PASSWORD}@127.0.0.1:{postgres.port}/x?nonsense=1": "nonsense",
        f"oracle://u:{PASSWORD}@127.0.0.1/x": "postgresql://user:password@host/name",
        "history.sqlite3": "sqlite:///path/to/file.sqlite3",
        "": "sqlite:///path/to/file.sqlite3",
        f"sqlite:///{tmp_path}/file": "not a database",
        f"sqlite:///{tmp_path}": "unable to open",
        f"sqlite:///{tmp_path}/file/below/it": "directory",
    }
    for url, expected in wrong.items():
        with pytest.raises(DatabaseProblem) as problem:
            Repository(url)
        text = str(problem.value)
        assert expected.lower() in text.lower(), text
        assert not any(word in text for word in ("s3cret", "wr0ng")) and "\n" not in text, text


def journal_mode(location: Path | str, *, uri: bool = False) -> str:
    opened = sqlite_database(location, uri=uri)
    with opened.connection_context():
        opened.execute_sql("CREATE TABLE IF NOT EXISTS something (id INTEGER)")
        assert opened.execute_sql("PRAGMA synchronous").fetchone() == (2,)
        assert opened.execute_sql("PRAGMA foreign_keys").fetchone() == (1,)
        (mode,) = opened.execute_sql("PRAGMA journal_mode").fetchone()
    return str(mode)


def test_a_file_has_a_write_ahead_log_where_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert journal_mode(tmp_path / "local.sqlite3") == "wal"
    if sys.platform != "win32":  # this VFS locks by files and offers no shared memory
        assert journal_mode(f"file:{tmp_path}/dotfile.sqlite3?vfs=unix-dotfile", uri=True) == "delete"
    monkeypatch.setattr(connection, "on_network_drive", lambda path: True)
    assert journal_mode(tmp_path / "remote.sqlite3") == "delete"
    assert journal_mode(tmp_path / "local.sqlite3") == "delete"  # as if it was moved there
    repository = Repository(tmp_path / "remote.sqlite3")
    (task_id,) = inserted(repository, row())
    assert repository.read(lambda: repository.get(task_id))
    repository.close()


def test_a_network_drive_is_known_by_its_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/self/mountinfo").exists():
        pytest.skip("mounts are only made up here for Linux")
    assert not on_network_drive(tmp_path / "tasks.sqlite3")
    root = Path(os.sep)
    mounts = [(root, "ext4", "rw"), (tmp_path / "nas", "nfs4", "rw"), (tmp_path / "nas" / "disk", "ext4", "rw")]
    partition = type(psutil.disk_partitions(all=True)[0])
    made_up = [partition("somewhere", str(path), kind, options) for path, kind, options in mounts]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: made_up)
    assert on_network_drive(tmp_path / "nas" / "outputs" / "tasks.sqlite3")
    assert not on_network_drive(tmp_path / "nas" / "disk" / "tasks.sqlite3")
    assert not on_network_drive(tmp_path / "tasks.sqlite3")
    (tmp_path / "nas" / "outputs").mkdir(parents=True)
    (tmp_path / "outputs").symlink_to(tmp_path / "nas" / "outputs")
    assert on_network_drive(tmp_path / "outputs" / "tasks.sqlite3")
    assert not keeps_numbers(tmp_path / "outputs" / "tasks.sqlite3") and keeps_numbers(tmp_path / "tasks.sqlite3")


@pytest.mark.parametrize(
    ("location", "file"),
    [
        (Path("here.sqlite3"), Path("here.sqlite3")),
        ("sqlite:///here.sqlite3", Path("here.sqlite3")),
        ("sqlite:////var/there.sqlite3", Path("/var/there.sqlite3")),
        ("sqlite:///C:/there.sqlite3", Path("C:/there.sqlite3")),
        ("sqlite:///C:/images #2/there.sqlite3?timeout=5", Path("C:/images #2/there.sqlite3")),
        ("postgresql://host/name", None),
    ],
)
def test_which_urls_are_files(location: Path | str, file: Path | None) -> None:
    assert sqlite_file(location) == file
