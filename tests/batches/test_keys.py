"""Batches of keys: each sees and controls its own alone, is charged for a row when it is queued, and waits for its quota."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from fooocus_api.tests.support.api_calls.batches import accepted, batch, ended, quick, results, row_errors, send_lines
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key, keys_command


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--demo-null", "64x64", step_ms=5) as host:
        yield host


@pytest.fixture(scope="module")
def owner(host: Host) -> Client:
    return add_key(host, "owner")


def test_another_keys_batch_is_absent(host: Host, owner: Client) -> None:
    other, reader = add_key(host, "other"), add_key(host, "reader", "--scopes", "read-all")
    batch_id = accepted(send_lines(owner, quick(2)))
    ended(owner, batch_id)
    for path in ("", "/results", "/events", "/archive.zip"):
        assert other.get(f"/v1/batches/{batch_id}{path}").json()["code"] == "batch_not_found"
    for action in ("stop", "resume", "retry"):
        assert other.post(f"/v1/batches/{batch_id}/{action}").json()["code"] == "batch_not_found"
    assert other.request("DELETE", f"/v1/batches/{batch_id}").json()["code"] == "batch_not_found"
    assert other.get("/v1/batches").json() == {"batches": [], "total": 0}
    assert batch(reader, batch_id)["source"] == "owner"
    task = results(owner, batch_id)[0]["task_id"]
    assert other.get(f"/tasks/{task}").status_code == 404 and owner.task(task)["source"] == "owner"


def test_a_row_repeats_only_a_task_that_its_key_may_see(host: Host, owner: Client) -> None:
    task_id = owner.draw(prompt="repeated")["task_id"]
    with_hyphens = str(UUID(task_id))
    rows = quick(3)
    for row, repeated in zip(rows, (task_id, with_hyphens, "0" * 32), strict=True):
        row["repeat_of"] = repeated
    errors = row_errors(send_lines(add_key(host, "stranger"), rows))
    assert [(error["row"], error["field"], error["code"]) for error in errors] == [
        (row, "repeat_of", "unknown_value") for row in (1, 2, 3)
    ]
    # Nothing is generated here, so that the owner's task has no random state to restore.
    assert [error["code"] for error in row_errors(send_lines(owner, rows))] == [
        "no_effect",
        "no_effect",
        "unknown_value",
    ]


def test_a_row_that_meets_the_days_quota_waits(host: Host) -> None:
    client = add_key(host, "daily", "--images-per-day", "3")
    batch_id = accepted(send_lines(client, quick(5)))
    wait_for(lambda: batch(client, batch_id)["counts"]["succeeded"] == 3, "the quota to be used up")
    wait_for(lambda: batch(client, batch_id)["status"] == "paused", "the pause")
    record = batch(client, batch_id)
    assert record["pause"]["code"] == "images_per_day" and record["counts"]["waiting"] == 2, record
    assert client.generate().json()["code"] == "quota_exceeded"
    assert client.post(f"/v1/batches/{batch_id}/stop").json()["status"] == "stopped"


def test_a_row_above_the_days_quota_is_refused_with_the_batch(host: Host) -> None:
    client = add_key(host, "small", "--images-per-day", "3")
    errors = row_errors(send_lines(client, [*quick(1), *quick(1, image_number=4)]))
    assert [(error["row"], error["field"], error["code"]) for error in errors] == [(2, "image_number", "out_of_range")]


def test_rows_leave_room_in_the_quota_of_pending_tasks(host: Host) -> None:
    client = add_key(host, "pending", "--pending-tasks", "2")
    batch_id = accepted(send_lines(client, quick(6, overwrite_step=100)))
    wait_for(lambda: batch(client, batch_id)["counts"]["running"] == 1, "the first row")
    assert client.generate(async_process=True).status_code == 200
    assert ended(client, batch_id)["counts"]["succeeded"] == 6


def test_a_priority_above_0_needs_the_scope_control(host: Host) -> None:
    client = add_key(host, "generator", "--scopes", "generate")
    response = send_lines(client, quick(1, priority=1))
    assert response.status_code == 403 and response.json()["scope"] == "control"


def test_a_batch_without_its_key_pauses(host: Host) -> None:
    client, reader = add_key(host, "leaver"), add_key(host, "watcher", "--scopes", "read-all,control")
    batch_id = accepted(send_lines(client, quick(50, overwrite_step=60)))
    wait_for(lambda: batch(reader, batch_id)["counts"]["running"] == 1, "the first row")
    assert keys_command(host.outputs, "revoke", "leaver").returncode == 0
    wait_for(lambda: batch(reader, batch_id)["status"] == "paused", "the pause")
    assert batch(reader, batch_id)["pause"]["code"] == "key_unusable"
    assert reader.request("DELETE", f"/v1/batches/{batch_id}").status_code == 204


def test_only_50_batches_may_be_open(host: Host) -> None:
    client = add_key(host, "many", "--images-per-day", "1")
    first = accepted(send_lines(client, quick(2)))
    for _ in range(49):
        accepted(send_lines(client, quick(2)))
    response = send_lines(client, quick(2))
    assert (response.json()["code"], response.json()["limit"]) == ("quota_exceeded", "open_batches")
    assert client.request("DELETE", f"/v1/batches/{first}").status_code == 204
    assert send_lines(client, quick(2)).status_code == 202
