"""The stage of a running task: phase, step and image, as numbers."""

from __future__ import annotations

import pytest

from fooocus_api.adapters.worker.progress_titles import stage_of
from fooocus_api.tasks.model.stage import Stage
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.event_streams import reading


def test_the_steps_of_each_image_are_counted(client: Client) -> None:
    with reading(client, "/v1/events") as reader:
        task_id = client.submit(overwrite_step=5, image_number=2)["task_id"]
        reader.until("finished")
    record, progress = client.task(task_id), reader.of("progress")
    steps = [event for event in progress if event["phase"] in ("sampling", "decoding") and event["step"]]
    seen = [(event["image_number"], event["step"]) for event in steps]
    expected = [(image, step) for image in (1, 2) for step in range(1, 6)]
    assert seen == [one for one in expected if one in seen] and seen[-1] == (
        2,
        5,
    )  # a slow subscriber is not sent every step
    assert [event["phase"] for event in steps] == ["decoding" if step == 5 else "sampling" for _, step in seen]
    assert {(event["steps"], event["image_count"]) for event in steps} == {(5, 2)}
    saving = [event for event in progress if event["phase"] == "saving"]
    assert [(event["image_number"], event["step"]) for event in saving] == [(1, 5), (2, 5)]
    assert {event["started_at"] for event in progress} == {record["start_mills"]}
    [started], queued = reader.of("started"), reader.of("queued")
    assert started["phase"] == "loading" and started["image_count"] == 2 and started["step"] is None
    assert {event["phase"] for event in queued} == {"queued"}
    assert progress[0]["phase"] in (
        "loading",
        "preparing",
        "sampling",
    )  # the slow subscriber may have missed the first ones
    assert "phase" not in record and "started_at" not in record


def test_the_requests_own_stream_has_them(client: Client) -> None:
    *messages, last = (message.data for message in client.stream(overwrite_step=4))
    steps = [message for message in messages if message.get("step")]
    assert steps and all(message["steps"] == 4 and message["image_count"] == 1 for message in steps)
    assert all(message["phase"] for message in messages) and "phase" not in last


@pytest.mark.parametrize(
    ("title", "stage"),
    [
        ("Sampling step 3/30, image 1/2 ...", Stage("sampling", 3, 30, 1, 2)),
        ("Sampling step 30/30, image 2/2 ...", Stage("decoding", 30, 30, 2, 2)),
        ("Saving image 2/4 to system ...", Stage("saving", image_number=2, image_count=4)),
        ("Preparing task 2/4 ...", Stage("preparing", image_number=2, image_count=4)),
        ("Preparing Fooocus text #1 ...", Stage("preparing")),
        ("Loading models ...", Stage("loading")),
        ("Downloading LCM components ...", Stage("loading")),
        ("Upscaling image from (256, 256) ...", Stage("preparing")),
        ("", Stage("preparing")),
        ("Sampling step ٣/٣٠", Stage("preparing")),
    ],
)
def test_titles(title: str, stage: Stage) -> None:
    assert stage_of(title) == stage


def test_numbers_stay_until_the_next_image() -> None:
    sampled = Stage("decoding", 30, 30, 1, 2)
    assert Stage("saving").after(sampled) == Stage("saving", 30, 30, 1, 2)
    assert Stage("saving", image_number=2).after(sampled) == Stage("saving", None, None, 2, 2)
    assert Stage("preparing", image_number=2, image_count=2).after(sampled) == Stage("preparing", None, None, 2, 2)
    assert Stage("preparing").after(sampled) == Stage("preparing", None, None, 1, 2)
