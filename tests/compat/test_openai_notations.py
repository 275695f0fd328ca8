"""Requests as clients of other servers with OpenAI's Images API write them: pictures under other names, and empty numbers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from PIL import Image

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.compat.pictures import HOLE, SIZE, encoded, png
from fooocus_api.tests.support.host import Host, demo_host


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Yield a host."""
    with demo_host(step_ms=0) as host:
        yield host


@pytest.fixture(scope="module")
def native(host: Host) -> Client:
    """Return a client of the host's own API."""
    return Client(host.url)


def newest(native: Client) -> dict[str, Any]:
    """Return the record of the newest task."""
    return native.tasks(query="all", page_size=1)["history"][0]


@pytest.mark.parametrize("name", ["image", "images", "image_url", "image_urls"])
@pytest.mark.parametrize("place", [None, "image_url", "url", "b64_json"])
def test_a_reference_as_other_servers_take_it(host: Host, native: Client, name: str, place: str | None) -> None:
    data = base64.b64encode(png()).decode()
    reference = {place: data} if place else f"data:image/png;base64,{data}"
    body = {"prompt": "a hat", name: reference, "steps": 1}
    response = requests.post(f"{host.url}/v1/images/edits", json=body, timeout=120)
    assert response.status_code == 200, response.text
    assert "X-Ignored-Fields" not in response.headers
    assert newest(native)["req_params"]["uov_method"] == "Vary (Strong)"


def test_a_number_that_is_not_filled_in_is_the_default(host: Host, native: Client) -> None:
    empty = {"prompt": "a hat", "seed": "", "cfg_scale": "null", "sampler": "", "image": None, "mask": "", "steps": 1}
    response = requests.post(f"{host.url}/v1/images/generations", json=empty, timeout=120)
    assert response.status_code == 200, response.text
    assert newest(native)["req_params"]["guidance_scale"] == 4.0


def as_sent(picture: Image.Image) -> str:
    """Return a picture as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(encoded(picture)).decode()}"


def inpainted(host: Host, native: Client, mask: Image.Image) -> tuple[int, int, int, int] | None:
    """Return the area that an edit with this mask generates again."""
    body = {"prompt": "a hat", "image": as_sent(Image.new("RGB", SIZE, "seagreen")), "mask": as_sent(mask), "steps": 1}
    response = requests.post(f"{host.url}/v1/images/edits", json=body, timeout=120)
    assert response.status_code == 200, response.text
    return native.image(newest(native)["req_params"]["inpaint_mask_image_upload"]).convert("L").getbbox()


@pytest.mark.parametrize("stray", [(0, 0, 1, 1), (0, 0, 1, SIZE[1])], ids=["speck", "rim"])
def test_a_few_transparent_pixels_are_not_the_area_of_a_black_and_white_mask(
    host: Host, native: Client, stray: tuple[int, int, int, int]
) -> None:
    mask = Image.new("RGBA", SIZE, "black")
    mask.paste("white", HOLE)
    mask.paste((0, 0, 0, 0), stray)
    assert inpainted(host, native, mask) == HOLE


def test_a_small_hole_in_a_line_drawing_is_the_area(host: Host, native: Client) -> None:
    """Send the picture itself as the mask, as OpenAI's documentation does; less than a hundredth of it is transparent."""
    hole = (101, 99, 124, 122)
    drawing = Image.new("RGBA", SIZE, "white")
    for x in range(0, SIZE[0], 20):
        drawing.paste("black", (x, 0, x + 2, SIZE[1]))
    drawing.paste((0, 0, 0, 0), hole)
    assert inpainted(host, native, drawing) == hole


@pytest.mark.parametrize("ground", ["black", "seagreen", "white"])
def test_a_small_transparent_area_is_the_area_of_any_other_mask(host: Host, native: Client, ground: str) -> None:
    mask = Image.new("RGBA", SIZE, ground)
    mask.paste((0, 0, 0, 0), (10, 10, 20, 20))
    assert inpainted(host, native, mask) == (10, 10, 20, 20)
