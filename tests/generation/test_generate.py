"""`POST /v1/engine/generate` in its four response modes, over HTTP on the demo host."""

from __future__ import annotations

import base64
import io
import json
import threading
from typing import Any

import pytest
import requests
from PIL import Image as PILImage

from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import QUICK, Client, events, without_repeats

RECORD_FIELDS = {
    "id",
    "task_id",
    "req_params",
    "in_queue_mills",
    "start_mills",
    "finish_mills",
    "task_status",
    "progress",
    "webhook_url",
    "result",
}


def picture(content: bytes) -> PILImage.Image:
    image = PILImage.open(io.BytesIO(content))
    image.load()
    return image


def test_synchronous_gives_the_record_with_its_images(client: Client) -> None:
    record = client.draw(prompt="a harbour at dawn", image_number=2)
    assert record.keys() >= RECORD_FIELDS
    assert record["task_status"] == "finished" and record["progress"] == 100
    assert len(record["task_id"]) == 32 and int(record["task_id"], 16)
    assert record["in_queue_mills"] <= record["start_mills"] <= record["finish_mills"]
    assert record["req_params"]["prompt"] == "a harbour at dawn"
    assert len(record["result"]) == 2 == len(set(record["result"]))
    for url in record["result"]:
        assert url.startswith(client.url + "/outputs/")
        assert picture(client.get(url).content).size == (256, 256)
    assert without_repeats(client.task(record["task_id"])) == record


def test_the_final_slash_makes_no_difference(client: Client) -> None:
    for path in ("/v1/engine/generate", "/v1/engine/generate/"):
        response = client.post(path, json=QUICK, allow_redirects=False)
        assert response.status_code == 200 and response.json()["task_status"] == "finished"


def test_a_stream_shows_progress_and_previews_and_ends_with_finished(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory(step_ms=120).url)
    seen = list(client.stream(prompt="a lake", overwrite_step=5))
    assert {event.name for event in seen} == {"message"}
    assert all(event.data.keys() >= {"progress", "preview", "message", "images"} for event in seen)
    previews = [event.data["preview"] for event in seen if event.data["preview"]]
    assert len(previews) >= 2
    for preview in previews:
        head, _, body = preview.partition(",")
        assert head == "data:image/png;base64"
        assert picture(base64.b64decode(body)).format == "PNG"
    assert any("Sampling step 5/5" in event.data["message"] for event in seen)
    last = seen[-1].data
    assert last["message"] == "Finished" and last["progress"] == 100 and len(last["images"]) == 1
    assert client.get(last["images"][0]).status_code == 200


def test_a_stream_sends_each_event_by_itself(demo_factory: DemoFactory) -> None:
    """Send each event in a chunk of its own: clients cut at `data: ` and parse the rest of the chunk."""
    client = Client(demo_factory(step_ms=120).url)
    with client.generate(stream=True, stream_output=True, overwrite_step=4) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        chunks = [chunk for chunk in response.iter_content(chunk_size=None) if chunk.strip()]
    assert len(chunks) > 4
    for chunk in chunks:
        for part in chunk.decode().split("\n\n"):
            if part.startswith("data: "):
                json.loads(part.removeprefix("data: "))


@pytest.mark.parametrize(
    ("accept", "kind"), [("image/png", "PNG"), ("image/jpeg", "JPEG"), ("image/jpg", "JPEG"), ("image/webp", "WEBP")]
)
def test_accept_gives_one_image(client: Client, accept: str, kind: str) -> None:
    response = client.generate(accept=accept, image_number=3, stream_output=True, async_process=True)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"image/{kind.lower()}"
    assert picture(response.content).format == kind
    assert len(client.task(response.headers["x-task-id"])["result"]) == 1


def test_accept_converts_what_was_asked_for_in_another_format(client: Client) -> None:
    response = client.generate(accept="image/webp", output_format="jpeg")
    assert picture(response.content).format == "WEBP"
    assert client.task(response.headers["x-task-id"])["result"][0].endswith(".jpeg")


def test_stream_goes_before_async(client: Client) -> None:
    with client.generate(stream=True, stream_output=True, async_process=True) as response:
        assert [event.data["message"] for event in events(response)][-1] == "Finished"


def test_async_answers_at_once_and_the_record_follows(client: Client) -> None:
    record = client.submit(prompt="later")
    assert record.keys() >= RECORD_FIELDS
    assert record["task_status"] == "pending"
    assert record["start_mills"] == record["finish_mills"] == -1 and record["result"] == []
    assert record["preview"] == ""  # clients read it without checking for its presence
    done = client.ended(record["task_id"])
    assert done["task_status"] == "finished" and "preview" not in done


def test_a_running_task_has_a_preview(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory(step_ms=100).url)
    with client.generate(stream=True, stream_output=True, overwrite_step=30) as response:
        for event in events(response):
            if event.data["preview"]:
                record = client.task(response.headers["x-task-id"])
                assert record["task_status"] == "running" and 0 < record["progress"] < 100
                assert picture(base64.b64decode(record["preview"])).format == "PNG"
                break


def test_clients_that_write_everything_as_text_are_understood(client: Client) -> None:
    record = client.draw(
        image_number="2",
        disable_preview="true",
        uov_input_image="None",
        inpaint_input_image=None,
        enhance_input_image="",
        inpaint_mask_upload_checkbox=True,
        controlnet_image=[{"cn_stop": 0.6, "cn_weight": 0.6, "cn_type": "ImagePrompt"}],
        outpaint_selections=[],
        uov_method="Disabled",
        preset="initial",
        webhook_url="",
    )
    assert len(record["result"]) == 2 and record["req_params"]["disable_preview"] is True


def test_unknown_fields_are_ignored_and_named(client: Client) -> None:
    response = client.generate(prompt="", promt="typo", stepz=3, input_image_checkbox=False)
    assert response.status_code == 200
    assert response.headers["x-ignored-fields"] == "promt, stepz"


def test_any_name_of_an_unknown_field_can_be_said(client: Client) -> None:
    unknown: dict[str, Any] = {"prompt": "", " ": 1, "": 2, " prompt": 3, "提示 ": 4, "a\r\nb": 5}
    response = client.generate(**unknown)
    assert response.status_code == 200
    assert response.headers["x-ignored-fields"] == "?, ?, ?prompt, a??b, ???"


def test_a_seed_is_kept_and_a_random_one_is_random(client: Client) -> None:
    def seed(record: dict[str, object]) -> str:
        return record["images"][0]["metadata"]["seed"]  # type: ignore[index]

    first, second = client.draw(image_seed=7), client.draw(image_seed=7)
    assert seed(first) == seed(second) == "7"
    pixels = [picture(client.get(record["result"][0]).content).tobytes() for record in (first, second)]
    assert pixels[0] == pixels[1]
    assert len({seed(client.draw(image_seed=-1)) for _ in range(3)}) == 3


def test_size_steps_number_and_format_are_honoured(client: Client) -> None:
    record = client.draw(
        overwrite_width=320, overwrite_height=192, image_number=2, output_format="jpg", image_seed=5, overwrite_step=3
    )
    images = [picture(client.get(url).content) for url in record["result"]]
    assert [(image.size, image.format) for image in images] == [((320, 192), "JPEG")] * 2
    assert [image["metadata"]["seed"] for image in record["images"]] == ["5", "6"]
    assert record["images"][0]["metadata"]["steps"] in (3, 4)  # Fooocus logs the performance's own number


def test_an_image_grid_is_one_more_image(client: Client) -> None:
    record = client.draw(image_number=4, generate_image_grid=True)
    assert len(record["result"]) == 5
    assert picture(client.get(record["result"][-1]).content).size == (512, 512)


def test_a_client_that_goes_away_loses_nothing(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory(step_ms=30).url)
    with client.generate(stream=True, stream_output=True, overwrite_step=20) as response:
        task_id = response.headers["x-task-id"]
        next(iter(events(response)))
    with pytest.raises(requests.exceptions.Timeout):
        client.request(
            "POST", "/v1/engine/generate", json={**QUICK, "prompt": "gone", "overwrite_step": 20}, timeout=0.2
        )
    last = client.draw(prompt="the last")
    assert client.task(task_id)["task_status"] == "finished"
    between = client.get(f"/tasks/{last['task_id']}").json()["id"] - 1
    assert between > client.task(task_id)["id"]


def test_many_at_once_each_get_their_own(client: Client) -> None:
    records: dict[int, dict[str, object]] = {}

    def draw(number: int) -> None:
        records[number] = Client(client.url).draw(prompt=f"number {number}", image_seed=number)

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records) == 8
    for number, record in records.items():
        assert record["req_params"]["prompt"] == f"number {number}"  # type: ignore[index]
        assert record["images"][0]["metadata"]["seed"] == str(number)  # type: ignore[index]


def test_a_record_keeps_the_styles_that_the_worker_removes_from_its_own_list(client: Client) -> None:
    styles = ["Fooocus V2", "Fooocus Sharp"]
    record = client.draw(prompt="a boat", style_selections=styles)
    assert record["req_params"]["style_selections"] == styles
    assert client.task(record["task_id"])["req_params"]["style_selections"] == styles
    usual = {name: value for name, value in QUICK.items() if name != "style_selections"}
    first, second = (client.post("/v1/engine/generate", json=usual).json()["req_params"] for _ in range(2))
    assert first["style_selections"] == second["style_selections"] and "Fooocus V2" in first["style_selections"]
