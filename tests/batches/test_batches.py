"""Batches from their request to their images: the three forms of a body, results, archive, events, webhook and control."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from fooocus_api.tests.support.api_calls.batches import (
    accepted,
    batch,
    combine,
    ended,
    quick,
    results,
    send_csv,
    send_lines,
)
from fooocus_api.tests.support.client import LONG, QUICK, Client, Record, events, picture, wait_for
from fooocus_api.tests.support.servers.webhook_receiver import Receiver
from fooocus_api.tests.support.servers.webhooks import verified


def prompts(client: Client, batch_id: str) -> list[tuple[str, str, int]]:
    found = []
    for row in results(client, batch_id):
        sent = client.task(row["task_id"])["req_params"]
        found.append((row["custom_id"], sent["prompt"], sent["image_seed"]))
    return found


def test_json_lines_are_generated_in_their_order(batch_client: Client) -> None:
    rows: list[Record] = [
        {"custom_id": "cat", **QUICK, "prompt": "a cat"},
        {"custom_id": "dog", "body": {**QUICK, "prompt": "a dog"}},
    ]
    response = send_lines(batch_client, rows)
    batch_id = accepted(response)
    assert response.headers["location"] == f"{batch_client.url}/v1/batches/{batch_id}"
    record = ended(batch_client, batch_id)
    assert record["counts"] == {
        "total": 2,
        "waiting": 0,
        "queued": 0,
        "running": 0,
        "succeeded": 2,
        "failed": 0,
        "cancelled": 0,
    }
    assert [row[:2] for row in prompts(batch_client, batch_id)] == [("cat", "a cat"), ("dog", "a dog")]
    tasks = [batch_client.task(row["task_id"]) for row in results(batch_client, batch_id)]
    assert [task["req_params"]["priority"] for task in tasks] == [-10, -10]
    places = [
        {"batch_id": batch_id, "row": 1, "custom_id": "cat"},
        {"batch_id": batch_id, "row": 2, "custom_id": "dog"},
    ]
    assert [task["batch"] for task in tasks] == places
    cards = batch_client.get("/tasks", params={"view": "card", "query": "history"}).json()["history"]
    assert [card["batch_id"] for card in cards[:2]] == [batch_id] * 2
    assert "batch" not in batch_client.draw(prompt="alone")


def test_lists_of_one_object_are_paired_and_objects_are_multiplied(batch_client: Client) -> None:
    pairs = {"prompt": ["a", "b"], "negative_prompt": ["x", "y"]}
    record = ended(
        batch_client, accepted(combine(batch_client, pairs, {"image_seed": {"from": 1, "to": 5, "step": 2}}))
    )
    expected = [(prompt, seed) for prompt in ("a", "b") for seed in (1, 3, 5)]
    assert [row[1:] for row in prompts(batch_client, record["batch_id"])] == expected


def test_repeat_multiplies_the_combinations(batch_client: Client) -> None:
    record = ended(batch_client, accepted(combine(batch_client, {"prompt": ["a", "b"]}, repeat=2)))
    assert [row[1] for row in prompts(batch_client, record["batch_id"])] == ["a", "a", "b", "b"]


def test_a_spreadsheets_file_is_read(batch_client: Client) -> None:
    text = (
        "\ufeffCustom_ID;Prompt;image_seed;style_selections;overwrite_width;overwrite_height;overwrite_step\r\n"
        '1;"a ""big"" cat;\nwith a hat";7;;256;256;1\r\n'
        ";;;;;;\r\n"
        "2;猫;9223372036854775807;;256;256;1\r\n"
    )
    record = ended(batch_client, accepted(send_csv(batch_client, text)))
    assert record["counts"]["succeeded"] == 2
    assert prompts(batch_client, record["batch_id"]) == [
        ("1", 'a "big" cat;\nwith a hat', 7),
        ("2", "猫", 9223372036854775807),
    ]


def test_a_file_in_another_encoding_is_read_if_it_is_named(batch_client: Client) -> None:
    record = ended(batch_client, accepted(send_csv(batch_client, "prompt\n猫\n".encode("gbk"), encoding="gbk")))
    assert [row[1] for row in prompts(batch_client, record["batch_id"])] == ["猫"]


def test_the_archive_has_each_image_and_the_results(batch_client: Client) -> None:
    rows = [{**row, "custom_id": f"row-{number}"} for number, row in enumerate(quick(3, image_number=2), 1)]
    batch_id = accepted(send_lines(batch_client, rows))
    ended(batch_client, batch_id)
    first = results(batch_client, batch_id)[0]
    assert batch_client.request("DELETE", f"/tasks/{first['task_id']}").status_code == 204
    response = batch_client.get(f"/v1/batches/{batch_id}/archive.zip")
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"] == f'attachment; filename="batch_{batch_id}.zip"'
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        images = [f"0000{row}_row-{row}_{image}.png" for row in (2, 3) for image in (1, 2)]
        assert archive.namelist() == [*images, "results.jsonl"]
        assert all(picture(archive.read(name)).size == (64, 64) for name in images)
        lines = [json.loads(line) for line in archive.read("results.jsonl").splitlines()]
    assert [[image["file"] for image in line["images"]] for line in lines] == [[], images[:2], images[2:]]
    part = batch_client.get(f"/v1/batches/{batch_id}/archive.zip", params={"from_row": 3, "to_row": 3})
    with zipfile.ZipFile(io.BytesIO(part.content)) as archive:
        assert archive.namelist() == [*images[2:], "results.jsonl"]


def test_results_come_in_pages(batch_client: Client) -> None:
    batch_id = accepted(send_lines(batch_client, quick(5)))
    ended(batch_client, batch_id)
    assert [row["row"] for row in results(batch_client, batch_id, after=1, limit=3)] == [2, 3, 4]


def test_events_follow_each_row_to_the_end(batch_client: Client) -> None:
    batch_id = accepted(send_lines(batch_client, quick(6, overwrite_step=20)))
    with batch_client.get(f"/v1/batches/{batch_id}/events", headers={"Last-Event-ID": "0"}, stream=True) as response:
        seen = [*events(response)]
    assert [one.data["row"] for one in seen if one.name == "row"] == [1, 2, 3, 4, 5, 6]
    assert seen[-1].name == "ended" and seen[-1].data["counts"]["succeeded"] == 6
    with batch_client.get(f"/v1/batches/{batch_id}/events", headers={"Last-Event-ID": "4"}, stream=True) as response:
        assert [one.data.get("row") for one in events(response)] == [5, 6, None]
    with batch_client.get(f"/v1/batches/{batch_id}/events", stream=True) as response:
        assert [one.name for one in events(response)] == ["ended"]


def test_one_webhook_is_sent_at_the_end(batch_client: Client, receiver: Receiver) -> None:
    batch_id = accepted(send_lines(batch_client, quick(3), webhook_url=receiver.url))
    delivery = receiver.next()
    assert delivery.headers["webhook-id"] == f"msg_{batch_id}"
    told = verified(delivery)
    assert (told["batch_id"], told["status"], told["counts"]["succeeded"]) == (batch_id, "ended", 3)
    assert told["archive_url"] == f"{batch_client.url}/v1/batches/{batch_id}/archive.zip"
    wait_for(lambda: batch(batch_client, batch_id)["webhook"]["status"] == "delivered", "the delivery")
    record = batch(batch_client, batch_id)["webhook"]
    assert (record["url"], record["attempts"], record["last_status"]) == (receiver.url, 1, 200)
    assert receiver.none_left()


def test_few_rows_are_in_the_queue_and_other_tasks_overtake_the_rest(batch_client: Client) -> None:
    batch_id = accepted(send_lines(batch_client, quick(30, overwrite_step=60)))
    wait_for(lambda: batch(batch_client, batch_id)["counts"]["running"] == 1, "the first row")
    wait_for(lambda: batch(batch_client, batch_id)["eta_seconds"], "an estimate")
    task = batch_client.draw(prompt="urgent")
    counts = batch(batch_client, batch_id)["counts"]
    assert counts["queued"] + counts["running"] <= 4 and counts["waiting"] > 10, counts
    assert task["task_status"] == "finished" and len(batch_client.tasks(query="pending")["pending"]) <= 4
    assert batch_client.request("DELETE", f"/v1/batches/{batch_id}").status_code == 204


def test_a_stopped_batch_resumes(batch_client: Client) -> None:
    batch_id = accepted(send_lines(batch_client, quick(12, overwrite_step=60)))
    wait_for(lambda: batch(batch_client, batch_id)["counts"]["running"] == 1, "the first row")
    stopped = batch_client.post(f"/v1/batches/{batch_id}/stop")
    assert stopped.status_code == 200 and stopped.json()["status"] == "stopped"
    batch_client.has_tasks(running=0)
    counts = batch(batch_client, batch_id)["counts"]
    assert counts["queued"] == counts["running"] == counts["cancelled"] == 0 and counts["waiting"] >= 8, counts
    assert batch_client.post(f"/v1/batches/{batch_id}/stop").json()["code"] == "wrong_batch_state"
    assert batch_client.post(f"/v1/batches/{batch_id}/resume").json()["status"] == "running"
    assert ended(batch_client, batch_id)["counts"]["succeeded"] == 12
    assert batch_client.post(f"/v1/batches/{batch_id}/resume").json()["code"] == "wrong_batch_state"


def test_a_batch_that_is_resumed_at_once_loses_no_row(batch_client: Client) -> None:
    batch_id = accepted(send_lines(batch_client, quick(10, overwrite_step=20)))
    for _ in range(5):
        batch_client.post(f"/v1/batches/{batch_id}/stop")
        batch_client.post(f"/v1/batches/{batch_id}/resume")
    assert ended(batch_client, batch_id)["counts"]["succeeded"] == 10


def test_cancelled_and_failed_rows_are_retried(batch_client: Client) -> None:
    batch_id = accepted(send_lines(batch_client, [*quick(1, overwrite_step=200), *quick(1)]))
    wait_for(lambda: batch(batch_client, batch_id)["counts"]["running"] == 1, "the first row")
    running = batch_client.tasks(query="current")["current"]
    batch_client.post(f"/tasks/{running[0]['task_id']}/stop")
    record = ended(batch_client, batch_id)
    assert (record["counts"]["cancelled"], record["counts"]["succeeded"]) == (1, 1)
    assert batch_client.post(f"/v1/batches/{batch_id}/retry").status_code == 409
    assert (
        batch_client.post(f"/v1/batches/{batch_id}/retry", params={"cancelled": "true"}).json()["status"] == "running"
    )
    assert ended(batch_client, batch_id)["counts"]["succeeded"] == 2


@pytest.mark.parametrize("images", ["true", "false"])
def test_a_deleted_batch_is_gone_with_or_without_its_images(batch_client: Client, images: str) -> None:
    batch_id = accepted(send_lines(batch_client, [*quick(1), *quick(20, **{**LONG, "prompt": "later"})]))
    wait_for(lambda: batch(batch_client, batch_id)["counts"]["succeeded"], "the first row")
    first = results(batch_client, batch_id)[0]
    assert batch_client.request("DELETE", f"/v1/batches/{batch_id}", params={"images": images}).status_code == 204
    for path in ("", "/results", "/archive.zip", "/events"):
        assert batch_client.get(f"/v1/batches/{batch_id}{path}").json()["code"] == "batch_not_found"
    batch_client.has_tasks(running=0)
    if images == "true":
        wait_for(lambda: batch_client.get(f"/tasks/{first['task_id']}").status_code == 404, "the deletion")
        url = first["images"][0]["url"]
        wait_for(lambda: batch_client.get(url).status_code == 404, "its file's deletion, which follows the record's")
    else:
        assert batch_client.get(first["images"][0]["url"]).status_code == 200
    assert batch_id not in [one["batch_id"] for one in batch_client.get("/v1/batches").json()["batches"]]


def test_a_repeated_request_returns_the_first_batch(batch_client: Client) -> None:
    def send(prompt: str) -> tuple[int, str, str | None]:
        headers = {"Content-Type": "text/csv", "Idempotency-Key": "once"}
        response = batch_client.post("/v1/batches", data=f"prompt\n{prompt}\n", headers=headers)
        return response.status_code, response.json().get("batch_id", ""), response.headers.get("idempotency-replayed")

    status, batch_id, replayed = send("a cat")
    assert (status, replayed) == (202, None)
    assert send("a cat") == (202, batch_id, "true")
    assert send("a dog")[0] == 422
    batch_client.request("DELETE", f"/v1/batches/{batch_id}")


def test_the_list_has_the_newest_first(batch_client: Client) -> None:
    sent = [accepted(send_lines(batch_client, quick(1))) for _ in range(3)]
    for batch_id in sent:
        ended(batch_client, batch_id)
    page = batch_client.get("/v1/batches", params={"page_size": 2, "status": "ended"}).json()
    assert [one["batch_id"] for one in page["batches"]] == [sent[2], sent[1]] and page["total"] >= 3
    assert "failures" not in page["batches"][0]
    assert batch_client.get("/v1/batches", params={"page_size": 2, "status": "stopped"}).json()["batches"] == []
