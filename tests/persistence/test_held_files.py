"""State files and downloads that another program holds open: nothing is lost, and each failure is reported."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.auth.keyring import Keyring
from fooocus_api.auth.keys import ALL_SCOPES, BrokenKeys, Key, digest_of, load, save
from fooocus_api.auth.signed_urls import SECRET_BYTES, load_or_create_secret
from fooocus_api.db.connection import Connection
from fooocus_api.db.disk.placement import need_room
from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.tasks.queue.model_downloads import Download, DownloadError
from fooocus_api.tests.api.test_downloads import PADDED, Files
from fooocus_api.tests.images.test_inputs import picture
from fooocus_api.tests.support.fakes.sharing_violations import SharingViolation, Violations

Make = Callable[..., Violations]
REASON = "being used by another process"

# ---------------------------------------------------------------------- the state


def test_a_list_that_is_held_for_a_moment_is_read_at_the_next_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys.json"
    save(file, [Key("bot", digest_of(b"secret"), ALL_SCOPES)])
    ring = Keyring([], file)
    with monkeypatch.context() as held:

        def read_text(path: Path, *_: Any, **__: Any) -> str:
            raise SharingViolation(str(path))

        held.setattr(Path, "read_text", read_text)
        for _ in range(3):
            with pytest.raises(BrokenKeys, match="can't be read"):
                ring.find(b"secret")
        assert ring.needed() and len(caplog.records) == 1
    key = ring.find(b"secret")
    assert key is not None and key.name == "bot" and load(file)


def test_the_secret_of_links_is_kept(tmp_path: Path, violations_in: Make) -> None:
    violations = violations_in(tmp_path, every=2)
    with violations.here():
        for number in range(4):
            path = tmp_path / str(number) / "link_secret"
            secret = load_or_create_secret(path)
            assert path.read_bytes() == secret == load_or_create_secret(path)
            assert [entry.name for entry in path.parent.iterdir()] == ["link_secret"]
        assert len(violations.made()) >= 3


def test_links_end_with_the_process_where_the_secret_stays_held(tmp_path: Path, violations_in: Make) -> None:
    violations = violations_in(tmp_path, every=0)
    violations.hold("*/link_secret")
    folder = tmp_path / "state"
    with violations.here():
        assert len(load_or_create_secret(folder / "link_secret")) == SECRET_BYTES
    assert not list(folder.iterdir()) and violations.made()


def test_unused_inputs_are_swept_but_for_those_that_are_held(tmp_path: Path, violations_in: Make) -> None:
    store = InputStore(tmp_path / "inputs")
    names = [store.add(picture(colour=(number, 0, 0))) for number in range(3)]
    (tmp_path / "inputs" / ".half.tmp").write_bytes(b"half")
    violations = violations_in(tmp_path / "inputs", every=0)
    violations.hold(f"*/{names[1]}", "*/.half.tmp")
    for path in (tmp_path / "inputs").iterdir():
        os.utime(path, (1, 1))
    with violations.here():
        (found,) = store.older_than(1000, 10)
        assert set(found) == set(names) and store.remove(found, 1000) == 2
        assert store.has(names[1]) and len(violations.made()) == 2
        violations.hold()
        (found,) = store.older_than(1000, 10)
        assert found == [names[1]] and store.remove(found, 1000) == 1
    assert not list((tmp_path / "inputs").iterdir())


def test_a_copy_of_an_older_database_that_is_held_stops_no_migration(tmp_path: Path, violations_in: Make) -> None:
    earlier = tmp_path / "tasks.schema1-20200101-000000.sqlite3"
    earlier.write_bytes(b"")
    connection = Connection(tmp_path / "tasks.sqlite3")
    violations = violations_in(tmp_path, every=0)
    violations.hold(f"*/{earlier.name}")
    with connection.database.connection_context(), violations.here():
        connection.database.execute_sql("CREATE TABLE task (id)")
        connection.back_up(1, ["task"])
    connection.close()
    assert violations.made() and len(list(tmp_path.glob("*.schema1-*.sqlite3"))) == 2


def test_a_scanner_that_reads_what_was_written_for_room_keeps_no_task_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def held(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == ".room.tmp":
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", held)
    need_room(tmp_path)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(Path, "open", lambda *_, **__: held(Path(".room.tmp")))
    with pytest.raises(PermissionError):
        need_room(tmp_path)


# ---------------------------------------------------------------------- downloads


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Files() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.go_on.set()
        server.shutdown()


def silent(there: int, size: int | None) -> None:
    """Ignore the progress."""


def test_a_model_is_downloaded(tmp_path: Path, files: Files, violations_in: Make) -> None:
    violations = violations_in(tmp_path / "models", every=2)
    with violations.here():
        for number in range(3):
            Download(f"{files.url}/whole", tmp_path / "models" / f"{number}.safetensors").fetch(silent)
    assert {path.name: path.read_bytes() == PADDED for path in (tmp_path / "models").iterdir()} == {
        f"{number}.safetensors": True for number in range(3)
    }
    assert violations.made() and len(files.asked) == 3


def test_a_model_whose_renaming_fails_is_not_downloaded_again(
    tmp_path: Path, files: Files, violations_in: Make
) -> None:
    models = tmp_path / "models"
    download = Download(f"{files.url}/whole", models / "big.safetensors")
    violations = violations_in(models, every=0)
    violations.hold("*/big.safetensors")
    with violations.here():
        for _ in range(2):
            with pytest.raises(DownloadError, match="was downloaded and could not be renamed") as error:
                download.fetch(silent)
            assert REASON in str(error.value) and (models / "big.safetensors.part").read_bytes() == PADDED
        violations.hold()
        download.fetch(silent)
    assert files.asked == ["/whole"]
    assert [path.name for path in models.iterdir()] == ["big.safetensors"]


@pytest.mark.parametrize("changed", ["the part", "the address"])
def test_a_part_that_may_not_be_whole_is_downloaded_anew(
    tmp_path: Path, files: Files, violations_in: Make, changed: str
) -> None:
    download = Download(f"{files.url}/whole", tmp_path / "models" / "big.safetensors")
    violations = violations_in(tmp_path / "models", every=0)
    violations.hold("*/big.safetensors")
    with violations.here(), pytest.raises(DownloadError):
        download.fetch(silent)
    if changed == "the part":
        (tmp_path / "models" / "big.safetensors.part").write_bytes(b" " * len(PADDED))
    else:
        download = Download(f"{files.url}/chunked", download.path)
    download.fetch(silent)
    assert len(files.asked) == 2 and download.path.read_bytes() == PADDED


def test_a_model_that_somebody_else_has_brought_is_taken(tmp_path: Path, files: Files, violations_in: Make) -> None:
    download = Download(f"{files.url}/whole", tmp_path / "models" / "big.safetensors")
    download.path.parent.mkdir()
    download.path.write_bytes(b"brought")
    violations = violations_in(tmp_path / "models", every=0)
    violations.hold("*/big.safetensors")
    with violations.here():
        download.fetch(silent)
    assert [path.read_bytes() for path in download.path.parent.iterdir()] == [b"brought"]
