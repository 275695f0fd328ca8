"""Batches that survive kills and a full disk: each row ends once, with its images, and others' tasks overtake the rest."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import time
import zipfile
from collections import Counter
from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.api_calls.batches import accepted, batch, ended, quick, results, send_lines
from fooocus_api.tests.support.client import Client, picture, wait_for
from fooocus_api.tests.support.databases.small_disk import SmallDisk
from fooocus_api.tests.support.host import Host, demo_host


@contextlib.contextmanager
def on_a_small_disk(step_ms: int) -> Iterator[tuple[Host, SmallDisk]]:
    """Yield a host that generates nothing, whose outputs can be filled."""
    if why_not := SmallDisk.why_not():
        pytest.skip(f"no disk can be filled here: {why_not}")
    host = demo_host("--demo-null", "64x64", step_ms=step_ms)
    try:
        with SmallDisk(host.outputs, 256) as disk:
            host.start()
            yield host, disk
            host.stop()
    finally:
        host.close()


def kill_after(host: Host, batch_id: str, rows: int) -> None:
    """Kill the host once that many rows have ended, and start it again."""
    client = Client(host.url)
    wait_for(lambda: ended_rows(client, batch_id) >= rows, f"{rows} rows to end")
    host.kill()
    host.start()


def ended_rows(client: Client, batch_id: str) -> int:
    counts = batch(client, batch_id)["counts"]
    return int(counts["succeeded"] + counts["failed"] + counts["cancelled"])


def assert_each_row_ended_once(host: Host, batch_id: str, rows: int) -> None:
    client = Client(host.url)
    record = ended(client, batch_id)
    assert record["counts"] == {**dict.fromkeys(record["counts"], 0), "total": rows, "succeeded": rows}, record
    found = results(client, batch_id)
    assert [row["row"] for row in found] == list(range(1, rows + 1))
    assert len({row["task_id"] for row in found}) == rows
    assert all(len(row["images"]) == 1 for row in found)
    with contextlib.closing(sqlite3.connect(host.outputs / ".fooocus_api" / "tasks.sqlite3")) as database:
        tasks = [
            (json.loads(notes)["batch"]["row"], status)
            for notes, status in database.execute("SELECT notes, status FROM task WHERE notes LIKE '%batch%'")
        ]
    finished = Counter(row for row, status in tasks if status == "finished")
    assert finished == dict.fromkeys(range(1, rows + 1), 1)
    assert {status for _, status in tasks} <= {"finished", "failed", "stopped"}
    with zipfile.ZipFile(io.BytesIO(client.get(f"/v1/batches/{batch_id}/archive.zip").content)) as archive:
        assert archive.testzip() is None and len(archive.namelist()) == rows + 1
        assert picture(archive.read(archive.namelist()[0])).size == (64, 64)


def test_a_batch_survives_two_kills() -> None:
    with demo_host("--demo-null", "64x64", step_ms=5) as host:
        batch_id = accepted(send_lines(Client(host.url), quick(40)))
        for rows in (3, 15):
            kill_after(host, batch_id, rows)
        assert_each_row_ended_once(host, batch_id, 40)


def test_a_stopped_batch_stays_stopped_after_a_kill() -> None:
    with demo_host("--demo-null", "64x64", step_ms=5) as host:
        client = Client(host.url)
        batch_id = accepted(send_lines(client, quick(20, overwrite_step=30)))
        wait_for(lambda: batch(client, batch_id)["counts"]["succeeded"], "the first row")
        client.post(f"/v1/batches/{batch_id}/stop")
        host.kill()
        host.start()
        client.has_tasks(running=0)
        record = batch(client, batch_id)
        assert record["status"] == "stopped" and record["counts"]["queued"] == 0
        client.post(f"/v1/batches/{batch_id}/resume")
        assert_each_row_ended_once(host, batch_id, 20)


def test_a_deletion_continues_after_a_kill() -> None:
    with demo_host("--demo-null", "64x64", step_ms=5) as host:
        client = Client(host.url)
        batch_id = accepted(send_lines(client, quick(60)))
        ended(client, batch_id)
        client.request("DELETE", f"/v1/batches/{batch_id}", params={"images": "true"})
        host.kill()
        host.start()
        wait_for(lambda: not host.images(), "the deletion of all images")
        wait_for(lambda: not client.tasks()["history"], "the deletion of all tasks")


def test_a_full_disk_pauses_a_batch_until_there_is_room() -> None:
    with on_a_small_disk(step_ms=80) as (host, disk):
        client = Client(host.url)
        batch_id = accepted(send_lines(client, quick(25, overwrite_step=5)))
        wait_for(lambda: ended_rows(client, batch_id) >= 2, "two rows to end")
        with disk.full():
            wait_for(lambda: batch(client, batch_id)["status"] == "paused", "the pause")
            assert batch(client, batch_id)["pause"]["code"] == "disk_full"
            time.sleep(1)
        assert_each_row_ended_once(host, batch_id, 25)


@pytest.mark.nightly
def test_a_thousand_rows_survive_two_kills_and_a_full_disk_and_are_overtaken() -> None:
    with on_a_small_disk(step_ms=5) as (host, disk):
        client = Client(host.url)
        batch_id = accepted(send_lines(client, quick(1000)))
        kill_after(host, batch_id, 150)
        wait_for(lambda: ended_rows(client, batch_id) >= 300, "300 rows to end")
        with disk.full():
            wait_for(lambda: batch(client, batch_id)["status"] == "paused", "the pause")
        before = ended_rows(client, batch_id)
        assert client.draw(prompt="urgent")["task_status"] == "finished"
        assert ended_rows(client, batch_id) < before + 20
        kill_after(host, batch_id, 600)
        assert_each_row_ended_once(host, batch_id, 1000)
