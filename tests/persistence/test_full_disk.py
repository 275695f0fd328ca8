"""A full disk: requests that need space are refused with the reason, others succeed, and no file is half written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.images.storage.file_journal import FileJournal
from fooocus_api.tests.api.test_bad_requests import new_image
from fooocus_api.tests.images.test_inputs import kept, picture, upload
from fooocus_api.tests.support.client import Client, Record, wait_for, without_repeats
from fooocus_api.tests.support.databases.small_disk import SmallDisk
from fooocus_api.tests.support.host import Host, demo_host

FULL = Path("/dev/full")
TASK = "0" * 32


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_what_a_full_disk_did_not_take_is_known_all_the_same(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    os.symlink(FULL, tmp_path / TASK)
    journal.record(TASK, "first.png")
    (tmp_path / TASK).unlink()
    assert journal.entries(TASK) == ["first.png"]
    journal.record(TASK, "second.png")
    assert set(journal.entries(TASK)) == {"first.png", "second.png"}
    journal.clear(TASK)
    assert journal.entries(TASK) == [] and journal.task_ids() == []


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, SmallDisk]]:
    """Yield a running host whose outputs are on a small disk, and that disk."""
    if why_not := SmallDisk.why_not():
        pytest.skip(f"no disk can be filled here: {why_not}")
    host = demo_host()
    try:
        with SmallDisk(host.outputs, 64) as disk:
            host.start()
            yield host, disk
            host.stop()
    finally:
        host.close()


def drawn(client: Client) -> Record:
    record = client.draw(image_number=2)
    assert record["task_status"] == "finished"
    return record


def assert_refused(response: object) -> None:
    assert response.status_code == 503, response.text  # type: ignore[attr-defined]
    assert response.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    assert response.headers["retry-after"] and "o space left" in response.json()["detail"]  # type: ignore[attr-defined]


def test_an_image_that_can_not_be_kept_is_refused(disk: tuple[Host, SmallDisk]) -> None:
    host, small = disk
    client, content = Client(host.url), picture()
    drawn(client)
    before, tasks = kept(host), client.tasks()["history"]
    with small.full():
        assert_refused(upload(client, content))
        assert_refused(client.generate(uov_input_image=new_image(), uov_method="Vary (Subtle)"))
    assert kept(host) == before and client.tasks()["history"] == tasks
    assert upload(client, content).status_code == 201


def test_what_is_deleted_makes_room(disk: tuple[Host, SmallDisk]) -> None:
    host, small = disk
    client = Client(host.url)
    first, second = drawn(client), drawn(client)
    # Give the write-ahead log pages to reuse: without space for any, SQLite refuses to delete.
    with small.full():
        response = client.request("DELETE", f"/tasks/{first['task_id']}")
    assert response.status_code in (204, 503), response.text
    if response.status_code == 503:
        assert without_repeats(client.task(first["task_id"])) == without_repeats(first)
        assert client.request("DELETE", f"/tasks/{first['task_id']}").status_code == 204
    assert all(client.get(url).status_code == 404 for url in first["result"])
    assert all(client.image(url).size == (256, 256) for url in second["result"])
    assert list((host.outputs / ".fooocus_api" / "unfinished").iterdir()) == []


def test_a_task_fails_and_leaves_no_half_of_an_image(disk: tuple[Host, SmallDisk]) -> None:
    host, small = disk
    client = Client(host.url)
    drawn(client)
    task_id = client.submit(overwrite_step=60)["task_id"]
    client.until(task_id, "running")
    before = host.images()
    with small.full():
        record = client.ended(task_id)
        assert record["task_status"] == "failed" and "o space left" in record["error"]["message"]
    client.has_tasks(running=0)
    assert client.draw()["task_status"] == "finished"
    listed = {url.rsplit("/", 1)[1] for task in client.tasks(page_size=100)["history"] for url in task["result"]}
    assert {path.name for path in host.images()} == listed and len(listed) == len(before) + 1


def test_it_is_said_where_people_look(disk: tuple[Host, SmallDisk]) -> None:
    host, small = disk
    client = Client(host.url)
    drawn(client)
    with small.full():
        responses = [client.generate(async_process=True, prompt="x" * 4000) for _ in range(20)]
        wait_for(lambda: client.get("/healthz").status_code == 503, "the full disk to be said")
        assert client.get("/healthz").json() == {
            **client.get("/readyz").json(),
            "status": "history can't be written: the disk is full",
            "database_writable": False,
        }
    refused = [response for response in responses if response.status_code != 200]
    assert refused, "no request was refused"
    for response in refused:
        assert response.status_code == 503 and "disk is full" in response.json()["detail"]
        assert "rollback" not in response.text
    assert "rollback" not in host.log()
    wait_for(lambda: client.get("/healthz").status_code == 200, "the room to be noticed")
    client.has_tasks(running=0)
    assert client.draw()["task_status"] == "finished"
    assert not list((host.outputs / ".fooocus_api").glob(".room*"))
