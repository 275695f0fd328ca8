"""A database file removed or replaced while Fooocus runs. SQLite does not notice; the API does and acknowledges nothing."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fooocus_api.db.repository import Repository
from fooocus_api.db.writer import DatabaseUnavailable, reason_of
from fooocus_api.installer.errors import InstallError
from fooocus_api.installer.purge import purge_history
from fooocus_api.tests.support.client import QUICK, Client, wait_for, without_repeats
from fooocus_api.tests.support.databases.databases import inserted, row

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows lets no program move an open file")
Loss = Callable[[Path], None]


def deleted(file: Path) -> None:
    file.unlink()


def moved(file: Path) -> None:
    file.rename(file.with_name("elsewhere.sqlite3"))


def replaced(file: Path) -> None:
    """Replace the file by a valid copy, as a restored backup is."""
    copy = file.with_name("copy.sqlite3")
    shutil.copyfile(file, copy)
    copy.rename(file)


def whole_folder(file: Path) -> None:
    shutil.rmtree(file.parent)


LOSSES = [deleted, moved, replaced, whole_folder]


@pytest.mark.parametrize("lose", LOSSES)
def test_nothing_is_acknowledged_and_it_is_said(demo_factory: DemoFactory, lose: Loss) -> None:
    host = demo_factory(step_ms=100)
    client, file = Client(host.url), database_of(host)
    client.draw()
    running = client.submit(overwrite_step=200)["task_id"]
    waiting = client.submit()["task_id"]
    client.until(running, "running")
    assert client.get("/healthz").status_code == 200
    lose(file)
    for body in (QUICK, {**QUICK, "async_process": True}, {**QUICK, "stream_output": True}):
        response = client.post("/v1/engine/generate", json=body)
        assert response.status_code == 503 and response.headers["retry-after"]
        assert "was deleted, moved or replaced" in response.json()["detail"] or lose is whole_folder
        assert str(file.parent) not in response.text
    wait_for(lambda: client.get("/healthz").status_code == 503, "it to be said")
    said = client.get("/healthz").json()
    assert said["database_writable"] is False and "/" not in said["status"]
    assert client.get("/tasks?query=history").status_code == 503
    assert {task["task_id"] for task in client.tasks(query="pending")["pending"]} == {waiting}
    assert "database write failed" in host.log()


def test_it_is_said_also_when_nobody_asks(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    Client(host.url).draw()
    moved(database_of(host))
    wait_for(lambda: "was deleted, moved or replaced" in host.log(), "a line in the log")


def test_when_it_is_put_back_all_goes_on(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    client, file = Client(host.url), database_of(host)
    before = client.draw()
    moved(file)
    assert client.post("/v1/engine/generate", json=QUICK).status_code == 503
    file.with_name("elsewhere.sqlite3").rename(file)
    wait_for(lambda: client.get("/healthz").status_code == 200, "the history to be written again")
    after = client.draw()
    assert without_repeats(client.task(before["task_id"])) == without_repeats(before)
    host.stop()
    with closing(sqlite3.connect(file)) as connection:
        known = {task_id for (task_id,) in connection.execute("SELECT task_id FROM task")}
        assert known == {before["task_id"], after["task_id"]}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_new_file_is_not_mixed_with_what_lay_beside_the_old_one(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    client, file = Client(host.url), database_of(host)
    client.draw()
    replaced(file)
    assert client.post("/v1/engine/generate", json=QUICK).status_code == 503
    host.stop()
    host.start()
    assert client.draw()["task_status"] == "finished"
    host.stop()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_no_thread_begins_an_empty_file(tmp_path: Path) -> None:
    file = tmp_path / "tasks.sqlite3"
    repository = Repository(file)
    inserted(repository, row())
    file.unlink()
    for _ in range(20):
        assert isinstance(repository.write(lambda: repository.insert(row())).exception(60), DatabaseUnavailable)
        assert isinstance(repository.submit_read(lambda: repository.get("x")).exception(60), DatabaseUnavailable)
    assert not file.exists()
    repository.close()


def test_the_first_reason_is_told() -> None:
    def failing() -> BaseException:
        try:
            try:
                raise sqlite3.OperationalError("database or disk is full")
            finally:
                raise sqlite3.OperationalError("cannot rollback - no transaction is active")
        except sqlite3.OperationalError as error:
            return error

    assert reason_of(failing()) == "database or disk is full"
    assert reason_of(sqlite3.OperationalError("cannot rollback")) == "cannot rollback"


def test_a_purge_leaves_the_history_of_a_running_fooocus_alone(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    record = Client(host.url).draw()
    with pytest.raises(InstallError, match="running Fooocus"):
        purge_history(host.outputs)
    assert Client(host.url).task(record["task_id"])["result"] == record["result"]
    host.stop()
    assert purge_history(host.outputs) == (1, True)
    assert not database_of(host).parent.exists()


def database_of(host: Host) -> Path:
    return host.outputs / ".fooocus_api" / "tasks.sqlite3"
