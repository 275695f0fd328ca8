"""Generation on a real, unmodified Fooocus, from request to result."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import LONG, Client, Record, picture, wait_for, without_repeats

if TYPE_CHECKING:
    from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.real


def pixels(client: Client, record: Record) -> bytes:
    assert record["task_status"] == "finished", record
    return client.image(record["result"][0]).convert("RGB").tobytes()


def test_info_tells_what_runs_here(real: Host, real_client: Client) -> None:
    info = real_client.get("/v1/info").json()

    version = re.search(r"'(.+)'", (real.checkout / "fooocus_version.py").read_text("utf-8"))
    assert version
    assert info["fooocus_version"] == version[1]
    assert info["supported"] is True
    assert info["problem"] is None
    assert info["worker_alive"] is True
    assert set(info["patched"].values()) == {"patched"}, info["patched"]


def test_the_webui_and_the_api_share_one_port(real: Host, real_client: Client) -> None:
    assert "gradio_config" in real_client.get("/").text
    paths = real_client.get("/v1/openapi.json").json()["paths"]
    assert "/v1/engine/generate/" in paths
    assert not [path for path in paths if path.startswith(("/file", "/queue", "/run", "/upload"))]


# ------------------------------------------------------------------------------------- the four answers


def test_a_synchronous_request_answers_with_the_record(real: Host, real_client: Client) -> None:
    record = real_client.draw(prompt="a lighthouse", image_seed=7)

    assert re.fullmatch(r"[0-9a-f]{32}", record["task_id"])
    assert record["task_status"] == "finished"
    assert record["progress"] == 100
    assert record["webhook_url"] == ""
    assert record["req_params"]["prompt"] == "a lighthouse"
    assert record["req_params"]["image_seed"] == 7
    assert record["req_params"]["sampler_name"]  # all fields, also those that were not sent
    assert 0 < record["in_queue_mills"] <= record["start_mills"] <= record["finish_mills"]
    (url,) = record["result"]
    assert re.fullmatch(re.escape(real.url) + r"/outputs/\d{4}-\d\d-\d\d/[\w.-]+\.png", url)
    response = real_client.get(url)
    assert response.headers["content-type"] == "image/png"
    assert picture(response.content).size == (256, 256)
    assert without_repeats(real_client.task(record["task_id"])) == record


def test_a_record_keeps_the_styles_of_its_request(real_client: Client) -> None:
    styles = ["Fooocus V2", "Fooocus Sharp"]
    for _ in range(2):  # the worker removes the first one from its own list
        record = real_client.draw(prompt="a lighthouse", style_selections=styles)
        assert record["req_params"]["style_selections"] == styles
        assert real_client.task(record["task_id"])["req_params"]["style_selections"] == styles


def test_the_final_slash_does_not_matter(real_client: Client) -> None:
    body = {"prompt": "a lighthouse", "performance_selection": "Lightning", "overwrite_step": 1}
    size = {"overwrite_width": 256, "overwrite_height": 256, "style_selections": []}
    response = real_client.post("/v1/engine/generate", json={**body, **size}, allow_redirects=False)

    assert response.status_code == 200, response.text
    assert response.json()["task_status"] == "finished"


def test_a_stream_tells_progress_and_ends_with_finished(real_client: Client) -> None:
    seen = list(real_client.stream(prompt="a harbour", overwrite_step=3))

    assert {event.name for event in seen} == {"message"}
    assert all(set(event.data) >= {"progress", "preview", "message", "images"} for event in seen)
    assert all(0 <= event.data["progress"] <= 100 for event in seen)
    assert any("Sampling step" in event.data["message"] for event in seen)
    previews = [event.data["preview"] for event in seen if event.data["preview"]]
    assert previews
    kind, _, encoded = previews[-1].partition(",")
    assert kind == "data:image/png;base64"
    assert picture(base64.b64decode(encoded)).format == "PNG"
    assert seen[-1].data["progress"] == 100
    assert seen[-1].data["message"] == "Finished"
    (url,) = seen[-1].data["images"]
    assert real_client.image(url).size == (256, 256)
    assert not any(event.data["images"] for event in seen[:-1])


def test_each_event_of_a_stream_is_flushed_by_itself(real_client: Client) -> None:
    """Guard older clients, which cut each chunk at `data: ` and break when two events share one."""
    with real_client.generate(stream=True, stream_output=True, prompt="a harbour", overwrite_step=3) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        chunks = [chunk for chunk in response.raw.read_chunked() if not chunk.startswith(b":")]

    assert len(chunks) > 2
    for chunk in chunks:
        assert chunk.startswith(b"data: ")
        json.loads(chunk.decode("utf-8").split("data: ")[1])


@pytest.mark.parametrize(
    ("accept", "media_type", "kind"),
    [
        ("image/png", "image/png", "PNG"),
        ("image/jpeg", "image/jpeg", "JPEG"),
        ("image/jpg", "image/jpeg", "JPEG"),
        ("image/webp", "image/webp", "WEBP"),
    ],
)
def test_accept_asks_for_the_image_itself(
    real: Host, real_client: Client, accept: str, media_type: str, kind: str
) -> None:
    before = real.images()
    response = real_client.generate(
        accept=accept, prompt="a bridge", image_number=2, stream_output=True, async_process=True
    )

    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == media_type
    image = picture(response.content)
    assert (image.format, image.size) == (kind, (256, 256))
    assert len(real.images() - before) == 1  # Accept takes precedence, and means one image


def test_an_asynchronous_request_answers_at_once(real_client: Client) -> None:
    record = real_client.submit(prompt="a mill", overwrite_step=12)

    assert record["task_status"] == "pending"
    assert (record["start_mills"], record["finish_mills"], record["progress"], record["result"]) == (
        -1,
        -1,
        0,
        [],
    )
    preview = wait_for(lambda: real_client.task(record["task_id"]).get("preview"), "a preview in the record")
    assert picture(base64.b64decode(preview)).format == "PNG"
    done = real_client.ended(record["task_id"])
    assert done["task_status"] == "finished"
    assert "preview" not in done
    assert len(done["result"]) == 1


def test_images_are_converted_only_for_who_asks(real_client: Client) -> None:
    (url,) = real_client.draw(prompt="a barn")["result"]

    webp = real_client.get(url, headers={"Accept": "image/webp"})
    assert (webp.headers["content-type"], picture(webp.content).format) == ("image/webp", "WEBP")
    browsers = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
    as_is = real_client.get(url, headers={"Accept": browsers})
    assert (as_is.headers["content-type"], picture(as_is.content).format) == ("image/png", "PNG")
    assert "accept" in as_is.headers["vary"].lower()


def test_several_images_come_in_order(real_client: Client) -> None:
    record = real_client.draw(prompt="two of them", image_number=2, image_seed=20)
    second = real_client.draw(prompt="two of them", image_seed=21)

    assert len(record["result"]) == 2
    assert real_client.image(record["result"][1]).tobytes() == pixels(real_client, second)


@pytest.mark.parametrize(("output_format", "kind"), [("jpg", "JPEG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_files_have_the_format_that_was_asked_for(real_client: Client, output_format: str, kind: str) -> None:
    (url,) = real_client.draw(prompt="a barn", output_format=output_format)["result"]

    assert real_client.image(url).format == kind


# ------------------------------------------------------------------------------------------------ seeds


def test_a_random_seed_is_random_and_a_given_one_is_kept(real_client: Client) -> None:
    def draw(seed: int) -> bytes:
        return pixels(real_client, real_client.draw(prompt="a field", image_seed=seed))

    assert draw(-1) != draw(-1)
    assert draw(11) == draw(11)


# -------------------------------------------------------------------------------------------- stop, skip


def test_stop_ends_the_running_task_only(real_client: Client) -> None:
    running = real_client.submit(**LONG)
    waiting = real_client.submit(prompt="the next one")
    wait_for(lambda: real_client.task(running["task_id"]).get("preview"), "the first task to draw")

    answer = real_client.control("stop")

    assert answer.status_code == 200, answer.text
    assert answer.json()["message"]
    assert real_client.ended(running["task_id"])["task_status"] == "stopped"
    done = real_client.ended(waiting["task_id"])
    assert done["task_status"] == "finished"
    assert len(done["result"]) == 1


def test_stop_with_nothing_to_stop_harms_no_later_task(real_client: Client) -> None:
    answer = real_client.control("stop")

    assert answer.status_code == 200, answer.text
    assert real_client.draw(prompt="as if nothing had been")["task_status"] == "finished"


def test_skip_goes_on_with_the_next_image(real_client: Client) -> None:
    task = real_client.submit(prompt="two of them", image_number=2, overwrite_step=12)
    wait_for(lambda: real_client.task(task["task_id"]).get("preview"), "the first image to be drawn")

    answer = real_client.control("skip")

    assert answer.status_code == 200, answer.text
    done = real_client.ended(task["task_id"])
    assert done["task_status"] == "finished"
    assert len(done["result"]) == 1


def test_a_client_that_goes_away_loses_nothing(real_client: Client) -> None:
    with real_client.generate(stream=True, stream_output=True, prompt="a mill", overwrite_step=4) as response:
        task_id = response.headers["x-task-id"]
        next(response.iter_content(1))

    done = real_client.ended(task_id)
    assert done["task_status"] == "finished"
    assert len(done["result"]) == 1
