"""API keys and the secret of links as rows of a cluster's database: one list for all processes, changed by any of them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from fooocus_api.api.responses.problems import keys_problem
from fooocus_api.auth.key_file import KeyFileUnavailable, NameTaken, UnknownKey
from fooocus_api.auth.key_row import ROW_NAME, KeyRow
from fooocus_api.auth.keyring import Keyring
from fooocus_api.auth.keys import (
    ALL_SCOPES,
    UNLIMITED,
    USUAL_SCOPES,
    BrokenKeys,
    Key,
    UnreadableKeys,
    digest_of,
    load,
    save,
)
from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.changes.settings import value_of
from fooocus_api.db.writer import DatabaseUnavailable
from fooocus_api.tasks.storage.shared_secrets import key_row, link_secret
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.databases.databases import PostgresPlace
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.keys import keys_command, keys_process

BOT = Key("bot", digest_of(b"of the bot"), ALL_SCOPES)


class Row:
    """A row in memory, which may break: what two processes share."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.is_away = False
        self.before_exchange: Callable[[], object] = lambda: None

    def read(self) -> str | None:
        if self.is_away:
            raise UnreadableKeys("the database does not answer")
        return self.text

    def exchange(self, expected: str | None, text: str) -> bool:
        self.before_exchange()
        if self.is_away:
            raise KeyFileUnavailable("the database does not answer")
        if self.text != expected:
            return False
        self.text = text
        return True

    def opened(self) -> KeyRow:
        return KeyRow(self.read, self.exchange)


@pytest.fixture(scope="module")
def place(postgres: PostgresServer) -> PostgresPlace:
    return PostgresPlace(postgres)


@pytest.fixture
def repository(place: PostgresPlace) -> Iterator[Repository]:
    opened = Repository(place.location)
    place.execute("DELETE FROM setting")
    yield opened
    opened.close()


def test_a_key_counts_in_every_process_within_a_second(repository: Repository) -> None:
    first, second = key_row(lambda: repository), key_row(lambda: repository)
    ring = Keyring([], second)
    second.start()
    try:
        assert not ring.needed() and ring.find(b"any") is None
        added = first.add("bot", USUAL_SCOPES, UNLIMITED)
        assert added.is_first and [key.name for key in first.load()] == ["bot"]
        found = wait_for(lambda: ring.find(added.text.encode()), "the key to count", 30)
        assert found == added.key and ring.needed() and ring.stored() == (added.key,)
        assert first.remove("bot") == []
        second.changed()
        wait_for(lambda: ring.find(added.text.encode()) is None, "the key to be revoked", 30)
        assert ring.needed(), "the list is there"
    finally:
        second.close()


def test_the_row_has_the_text_of_the_file_which_is_taken_over_once(repository: Repository, tmp_path: Path) -> None:
    row, file = key_row(lambda: repository), tmp_path / "keys.json"
    assert not row.take_over(file) and repository.read(partial(value_of, ROW_NAME)) is None
    save(file, [BOT])
    assert row.take_over(file) and file.is_file()
    text = repository.read(partial(value_of, ROW_NAME))
    assert text is not None and json.loads(text) == json.loads(file.read_text()) and row.load() == [BOT]
    save(file, [])
    assert not row.take_over(file) and key_row(lambda: repository).load() == [BOT]


def test_a_broken_file_is_not_taken_over(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    with pytest.raises(BrokenKeys):
        key_row(lambda: repository).take_over(tmp_path / "keys.json")


def test_all_processes_get_one_secret_of_links(repository: Repository) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(link_secret(repository))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1 and len(found[0]) == 32


def test_processes_that_add_keys_at_once_lose_none(place: PostgresPlace, repository: Repository) -> None:
    """Race with commands of their own processes, which have connections without the repository's lock."""
    link_secret(repository)  # by which the command knows a cluster's database
    command = [sys.executable, str(ROOT / "tests" / "support" / "clusters" / "add_keys.py"), str(place.location)]
    processes = [subprocess.Popen([*command, f"p{number}"]) for number in range(3)]
    row = key_row(lambda: repository)
    for number in range(10):
        row.add(f"own-{number}", USUAL_SCOPES, UNLIMITED)
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    names = [key.name for key in key_row(lambda: repository).load()]
    assert len(names) == len(set(names)) == 40


def test_the_command_edits_the_row_of_a_running_cluster(
    place: PostgresPlace, repository: Repository, tmp_path: Path
) -> None:
    flags = ("--api-db", str(place.location))
    before = keys_command(tmp_path, "add", "alone", *flags)
    assert before.returncode == 0 and [key.name for key in load(tmp_path / ".fooocus_api" / "keys.json")] == ["alone"]
    link_secret(repository)
    made = keys_process(tmp_path, "add", "bot", "--scopes", "admin", *flags)
    assert made.returncode == 0, made.stderr
    (kept,) = key_row(lambda: repository).load()
    assert (kept.name, kept.digest) == ("bot", digest_of(made.stdout.strip().encode()))
    assert "bot" in keys_command(tmp_path, "list", *flags).stdout
    assert keys_command(tmp_path, "add", "bot", *flags).returncode == 1
    revoked = keys_command(tmp_path, "revoke", "bot", *flags)
    assert revoked.returncode == 0 and "row api_keys" in revoked.stdout and "s3cret" not in revoked.stdout
    assert key_row(lambda: repository).load() == []


# ------------------------------------------------------------------- what fails closed


def test_a_row_that_was_never_read_opens_nothing() -> None:
    def no_repository() -> Repository:
        raise DatabaseUnavailable("not open yet")

    ring = Keyring([BOT], key_row(no_repository))
    assert ring.needed() and ring.find(b"of the bot") == BOT
    with pytest.raises(BrokenKeys, match="can't be read"):
        ring.find(b"another")


def test_a_row_that_breaks_or_goes_opens_nothing() -> None:
    row = Row()
    opened = row.opened()
    ring = Keyring([], opened)
    opened.add("bot", USUAL_SCOPES, UNLIMITED)
    assert ring.needed()
    for text, reason in (("{", "not valid JSON"), (None, "is missing")):
        row.text = text
        opened.changed()
        assert ring.needed()
        with pytest.raises(BrokenKeys, match=reason) as broken:
            ring.find(b"another")
        assert keys_problem(broken.value).response().headers["Retry-After"] == "60", "it stays until it is repaired"


def test_an_outage_is_survived_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row()
    opened = row.opened()
    ring = Keyring([], opened)
    added = opened.add("bot", USUAL_SCOPES, UNLIMITED)
    row.is_away = True
    opened.changed()
    assert ring.find(added.text.encode()) == added.key
    with monkeypatch.context() as later:
        later.setattr("fooocus_api.auth.key_row.GRACE_S", -60.0)
        with pytest.raises(UnreadableKeys, match="does not answer") as away:
            ring.find(added.text.encode())
        assert ring.needed() and keys_problem(away.value).response().headers["Retry-After"] == "5"
    row.is_away = False
    opened.changed()
    assert ring.find(added.text.encode()) == added.key


def test_a_change_of_another_process_in_between_is_kept() -> None:
    row = Row()
    opened, other = row.opened(), row.opened()
    others = iter(["first", "second"])

    def interfere() -> None:
        row.before_exchange = lambda: None
        for name in others:
            other.add(name, USUAL_SCOPES, UNLIMITED)

    row.before_exchange = interfere
    added = opened.add("bot", USUAL_SCOPES, UNLIMITED)
    assert [key.name for key in opened.load()] == ["first", "second", "bot"] and not added.is_first
    with pytest.raises(NameTaken):
        other.add("bot", USUAL_SCOPES, UNLIMITED)
    with pytest.raises(UnknownKey):
        other.remove("unknown")
    row.is_away = True
    with pytest.raises((BrokenKeys, KeyFileUnavailable)):
        opened.add("late", USUAL_SCOPES, UNLIMITED)


def test_two_processes_do_not_revoke_the_last_two_keys() -> None:
    row = Row()
    opened, other = row.opened(), row.opened()
    for name in ("first", "second"):
        opened.add(name, USUAL_SCOPES, UNLIMITED)

    def is_not_the_last(_: Key, left: list[Key]) -> None:
        if not left:
            raise PermissionError("the last one")

    def interfere() -> None:
        row.before_exchange = lambda: None
        other.remove("first", is_not_the_last)

    row.before_exchange = interfere
    with pytest.raises(PermissionError):
        opened.remove("second", is_not_the_last)
    assert [key.name for key in other.load()] == ["second"]
