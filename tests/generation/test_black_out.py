"""Reports of images that the host's safety checker replaced by black ones."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client, events

SKIN, SKY = (220, 160, 130), (120, 160, 220)


def text(colour: tuple[int, int, int], painted: bool = False) -> str:
    image = PILImage.new("RGB", (128, 128), "black" if painted else colour)
    if painted:
        image.paste(colour, (4, 4, 20, 20))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def inpainted(colour: tuple[int, int, int], **more: Any) -> dict[str, Any]:
    """Return a request that generates only a corner, so that the rest keeps its colour."""
    mask = text((255, 255, 255), painted=True)
    return {"inpaint_input_image": text(colour), "inpaint_mask_image_upload": mask, "overwrite_step": 2, **more}


@pytest.mark.parametrize(("colour", "checked", "black"), [(SKIN, True, True), (SKY, True, False), (SKIN, False, False)])
def test_the_record_says_so(client: Client, colour: tuple[int, int, int], checked: bool, black: bool) -> None:
    record = client.draw(**inpainted(colour, black_out_nsfw=checked))
    (image,) = record["images"]
    assert image["blacked_out"] is black
    assert (client.image(image["url"]).convert("RGB").getextrema() == ((0, 0),) * 3) is black
    assert client.task(record["task_id"])["images"][0]["blacked_out"] is black


def test_the_events_say_so(client: Client) -> None:
    record = client.submit(**inpainted(SKIN, black_out_nsfw=True))
    with client.get(f"/tasks/{record['task_id']}/events", stream=True) as response:
        seen = {event.name: event.data for event in events(response)}
    assert seen["finished"]["images"][0]["blacked_out"] is True
    if "image" in seen:
        assert seen["image"]["image"]["blacked_out"] is True


def test_the_schema_explains_it(client: Client) -> None:
    schema = client.get("/v1/openapi.json").json()["components"]["schemas"]["ImageModel"]
    assert "black_out_nsfw" in json.dumps(schema["properties"]["blacked_out"]) and "blacked_out" in schema["required"]
