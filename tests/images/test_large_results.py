"""Results beyond Pillow's pixel limit, from the API and from a click."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser

BOUND = 178_956_970
"""Number of pixels above which Pillow suspects a decompression bomb."""


def plain(side: int) -> bytes:
    buffer = io.BytesIO()
    PILImage.new("L", (side, side), 128).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.nightly
def test_an_upscale_beyond_the_bound_ends_with_its_image(client: Client) -> None:
    record = client.draw(
        uov_method="Upscale (Custom)",
        upscale_multiple=5,
        uov_input_image=base64.b64encode(plain(2700)).decode("ascii"),
        performance_selection="Extreme Speed",
    )
    (image,) = record["images"]
    assert record["task_status"] == "finished" and "incomplete" not in record
    assert (image["width"], image["height"], image["format"]) == (13_500, 13_500, "png")
    assert image["width"] * image["height"] > BOUND
    converted = client.get(image["url"], headers={"Accept": "image/jpeg"})
    assert converted.status_code == 200 and converted.headers["content-type"] == "image/jpeg"
    assert client.request("DELETE", f"/tasks/{record['task_id']}").status_code == 204


@pytest.mark.nightly
def test_a_click_beyond_the_bound_ends_with_its_image(demo: Host, browser: Browser, tmp_path: Path) -> None:
    picture = tmp_path / "large.png"
    picture.write_bytes(plain(7000))
    browser.open(demo.url)
    browser.check("Input Image")
    browser.tab("Upscale or Variation")
    browser.upload(picture)
    browser.choose("Upscale (Fast 2x)")
    browser.generate("clicked")
    browser.finished()
    client = Client(demo.url)
    client.has_tasks(running=0)
    newest = client.tasks(query="history", page_size=1)["history"][0]
    assert newest["source"] == "webui" and newest["task_status"] == "finished"
    assert [image["width"] for image in newest["images"]] == [14_000]
