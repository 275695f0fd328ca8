"""Each way of an answer, through the synchronous client."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from fooocus_api_client import Client, InvalidFields, NotFound, TaskUpdate, WrongState, picture_of
from fooocus_api_client.wire.errors import UnexpectedAnswer
from PIL import Image

from fooocus_api.tests.client.constants import QUICK
from fooocus_api.tests.support.host import Host

SIZE = (256, 256)
FIELDS: Any = QUICK


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_a_record(api: Client, tmp_path: Path) -> None:
    task = api.generate("a cat", image_number=2, tags=["client"], **FIELDS)
    assert task.task_status == "finished" and task.tags == ["client"] and task.req_params["prompt"] == "a cat"
    assert [(image.width, image.height, image.format) for image in task.images] == [(*SIZE, "png")] * 2
    assert task.received["images"][0]["url"] == task.images[0].url
    assert [path.name for path in api.save(task, tmp_path / "cat.webp")] == ["cat-1.webp", "cat-2.webp"]
    assert opened((tmp_path / "cat-1.webp").read_bytes()).format == "WEBP"
    (saved,) = api.save(task.images[0], tmp_path)
    assert saved.name == task.images[0].url.rpartition("/")[2] and opened(saved.read_bytes()).size == SIZE


def test_a_record_with_progress(api: Client) -> None:
    seen: list[TaskUpdate] = []
    task = api.generate("a dog", on_update=seen.append, **FIELDS)
    assert task.task_status == "finished"
    assert seen[-1].kind == "finished" and seen[-1].is_last and seen[-1].event.result == task.result
    previews = [update.preview for update in seen if update.preview is not None]
    assert previews and opened(previews[-1]).format == "WEBP"


def test_a_task_that_is_submitted_and_waited_for(api: Client) -> None:
    task = api.submit("a hill", **FIELDS)
    assert task.task_status in ("pending", "running")
    assert api.tasks.wait(task.task_id).task_status == "finished"
    assert [update.kind for update in api.tasks.watch(task.task_id)] == ["queued", "started", "image", "finished"]
    assert task.task_id in [card.task_id for card in api.tasks.cards("history").history]


def test_a_stream_with_previews(api: Client) -> None:
    messages = list(api.stream("a lake", **FIELDS))
    assert messages[-1].message == "Finished" and len(messages[-1].images) == 1
    pictures = [picture for message in messages if (picture := picture_of(message.preview)) is not None]
    assert pictures and opened(pictures[0]).format == "PNG"


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_an_image(api: Client, image_format: str) -> None:
    image = opened(api.image("a tree", image_format=image_format, **FIELDS))
    assert (image.format or "").lower() == image_format and image.size == SIZE


def test_images_in_requests(api: Client, tmp_path: Path) -> None:
    content = api.image("a boat", **FIELDS)
    path = tmp_path / "boat.png"
    path.write_bytes(content)
    upload = api.upload(path)
    assert (upload.width, upload.height) == SIZE
    for image in (path, content, upload.url):
        task = api.generate(uov_method="Upscale (Fast 2x)", uov_input_image=image)
        assert task.images[0].width == 1024  # four times, as of any small image
    guided = api.generate("a boat", controlnet_image=[{"cn_img": path}], **FIELDS)
    assert guided.task_status == "finished"
    assert api.tools.describe(path) and opened(api.tools.mask(content)).size == SIZE
    assert api.tools.read_metadata(path).parameters["prompt"] == "a boat"


def test_a_repetition(api: Client) -> None:
    first = api.generate("a house", **FIELDS)
    again = api.tasks.wait(api.tasks.repeat(first.task_id).task_id)
    assert again.repeats is not None and again.repeats.exact
    assert api.download(again.images[0]) == api.download(first.images[0])
    assert api.tasks.delete(again.task_id) is None


def test_a_wrong_field_is_named(api: Client) -> None:
    with pytest.raises(InvalidFields) as caught:
        api.generate("a cat", scheduler_name="kerras")
    assert caught.value.field == "scheduler_name" and caught.value.errors[0].allowed == ["karras"]
    assert caught.value.code == "invalid_fields" and caught.value.status == 422


def test_other_errors_have_classes(api: Client, demo: Host) -> None:
    with pytest.raises(NotFound) as caught:
        api.tasks.get("0" * 32)
    assert caught.value.code == "task_not_found"
    ended = api.generate("a road", **FIELDS)
    with pytest.raises(WrongState):
        api.tasks.stop(ended.task_id)
    with Client(f"{demo.url}/no-api-here") as elsewhere, pytest.raises((NotFound, UnexpectedAnswer)):
        elsewhere.catalog.info()


def test_the_catalog(api: Client) -> None:
    assert "Fooocus V2" in api.catalog.styles() and "karras" in api.catalog.names("schedulers")
    assert "demo_daylight.safetensors" in api.catalog.model_names().model_filenames
    assert {model.kind for model in api.catalog.model_files()} >= {"checkpoint", "lora", "vae"}
    assert api.catalog.info().supported
