"""Describe and mask over HTTP on the demo host: their answers, and their refusals."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy
import pytest
import requests
from PIL import Image as PILImage

from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.api_calls.tool_requests import DESCRIBE, MASK, base64_of, picture
from fooocus_api.tests.support.client import Client


def mask_of(answer: requests.Response) -> numpy.ndarray[Any, Any]:
    """Return the mask in a response as an array, and assert that it is a PNG."""
    assert answer.status_code == 200, answer.text
    image = PILImage.open(io.BytesIO(base64.b64decode(answer.json(), validate=True)))
    assert image.format == "PNG"
    return numpy.asarray(image)


def errors_of(answer: requests.Response) -> dict[str, Any]:
    """Return field → error of a 422."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {error["field"]: error for error in answer.json()["errors"]}


# -------------------------------------------------------------------------- describe


@pytest.mark.parametrize("name", ["Photo", "photo", "Photograph"])
def test_a_photo_is_put_into_a_sentence(client: Client, name: str) -> None:
    answer = client.post(DESCRIBE, json={"image": base64_of(picture()), "image_type": name})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"describe": "a wide soft picture in pale blue and red with something red in the middle"}


@pytest.mark.parametrize("name", ["Anime", "anime", "Art/Anime"])
def test_an_anime_picture_is_put_into_tags(client: Client, name: str) -> None:
    answer = client.post(DESCRIBE, json={"image": base64_of(picture()), "image_type": name})
    assert answer.json()["describe"].split(", ")[:2] == ["pale blue theme", "pale blue"]


def test_a_file_says_the_same_as_base64(client: Client) -> None:
    photo = client.post(DESCRIBE, json={"image": base64_of(picture())}).json()
    anime = client.post(DESCRIBE, json={"image": base64_of(picture()), "image_type": "Anime"}).json()
    assert photo != anime
    file = {"image": ("a.png", picture(), "image/png")}
    assert client.post(DESCRIBE, files=file).json() == photo
    assert client.post(DESCRIBE, files=file, data={"image_type": "Anime"}).json() == anime
    assert client.post(DESCRIBE, files=file, params={"image_type": "Anime"}).json() == anime
    assert (
        client.post(DESCRIBE, files=file, params={"image_type": "Anime"}, data={"image_type": "Photo"}).json() == photo
    )


def test_an_image_may_be_one_of_ours(client: Client) -> None:
    uploaded = client.post("/inputs", files={"image": picture()}).json()
    result = client.draw()["result"][0]
    for image in (uploaded["url"], uploaded["file_name"], result):
        answer = client.post(DESCRIBE, json={"image": image})
        assert answer.status_code == 200 and answer.json()["describe"], answer.text


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "I;16"])
def test_every_mode_of_image_is_read(client: Client, mode: str) -> None:
    content = picture(mode) if mode != "I;16" else sixteen_bit()
    assert client.post(DESCRIBE, files={"image": content}).json()["describe"].startswith("a wide")


def sixteen_bit() -> bytes:
    buffer = io.BytesIO()
    PILImage.fromarray(numpy.full((40, 60), 40000, numpy.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"json": {}}, "image"),
        ({"json": {"image": "None"}}, "image"),
        ({"json": {"image": "no image at all"}}, "image"),
        ({"json": {"image": 5}}, "image"),
        ({"json": {"image": base64_of(picture()), "image_type": "Painting"}}, "image_type"),
        ({"data": "{", "headers": {"Content-Type": "application/json"}}, "body"),
        ({"files": {"other": picture()}}, "image"),
        ({"files": {"image": b"no image at all"}}, "image"),
        ({"files": {"image": picture()}, "data": {"image_type": "Painting"}}, "image_type"),
        ({"files": {"image": picture()}, "params": {"image_type": "Painting"}}, "image_type"),
        ({"files": {"image": picture()}, "data": {"image_type": "Photo"}, "params": {"image_type": "x"}}, "image_type"),
    ],
    ids=str,
)
def test_a_bad_request_names_the_field(client: Client, request_: dict[str, Any], field: str) -> None:
    assert list(errors_of(client.post(DESCRIBE, **request_))) == [field]


def test_a_wrong_image_type_is_told_what_is_allowed(client: Client) -> None:
    answer = client.post(DESCRIBE, json={"image": base64_of(picture()), "image_type": "Painting"})
    assert errors_of(answer)["image_type"]["allowed"] == ["Photo", "Anime", "Photograph", "Art/Anime"]


def test_another_kind_of_body_is_refused(client: Client) -> None:
    assert client.post(DESCRIBE, data=picture(), headers={"Content-Type": "image/png"}).status_code == 415


# ------------------------------------------------------------------------------ mask


def test_a_mask_is_a_png_of_the_images_size(client: Client) -> None:
    mask = mask_of(client.post(MASK, json={"image": base64_of(picture()), "mask_model": "u2net"}))
    assert mask.shape == (160, 240) and set(numpy.unique(mask)) == {0, 255}
    assert mask[80, 120] == 255 and not mask[[0, -1]].any()


def test_a_mask_by_default_is_that_of_isnet(client: Client) -> None:
    assert mask_of(client.post(MASK, json={"image": base64_of(picture())})).any()


def test_clothes_are_cut_by_category(client: Client) -> None:
    def mask(category: str) -> numpy.ndarray[Any, Any]:
        body = {"image": base64_of(picture()), "mask_model": "u2net_cloth_seg", "cloth_category": category}
        return mask_of(client.post(MASK, json=body))

    full, upper, lower = mask("full"), mask("upper"), mask("lower")
    assert upper.any() and lower.any() and not (upper & lower).any()
    assert ((upper | lower) == full).all()


def test_sam_takes_its_options(client: Client) -> None:
    body = {"image": base64_of(picture()), "mask_model": "sam", "dino_prompt_text": "disc"}
    mask = mask_of(client.post(MASK, json=body))
    assert mask.shape == (160, 240, 3)
    boxes = mask_of(client.post(MASK, json={**body, "dino_debug": "true"}))
    grown = mask_of(client.post(MASK, json={**body, "dino_debug": True, "dino_erode_or_dilate": 10}))
    assert mask.sum() < boxes.sum() < grown.sum()


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("mask_model", "u3net", "isnet-anime"),
        ("sam_model", "vit_x", "vit_b"),
        ("cloth_category", "shoes", "upper"),
    ],
)
def test_an_unknown_name_is_told_what_there_is(client: Client, field: str, value: str, allowed: str) -> None:
    error = errors_of(client.post(MASK, json={"image": base64_of(picture()), field: value}))[field]
    assert value in error["message"] and allowed in error["allowed"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("box_threshold", 1.1),
        ("text_threshold", -0.1),
        ("sam_max_detections", -1),
        ("dino_erode_or_dilate", 65),
        ("dino_debug", "perhaps"),
        ("image", "None"),
        ("image", None),
    ],
)
def test_what_is_out_of_range_is_named(client: Client, field: str, value: Any) -> None:
    assert list(errors_of(client.post(MASK, json={"image": base64_of(picture()), field: value}))) == [field]


def test_sam_must_be_told_what_to_look_for(client: Client) -> None:
    answer = client.post(MASK, json={"image": base64_of(picture()), "mask_model": "sam"})
    assert list(errors_of(answer)) == ["dino_prompt_text"]


def test_sam_is_not_asked_for_everything_at_once(client: Client) -> None:
    """Refuse to segment all of the detector's boxes at once, as that exhausts memory; `dino_debug` shows them without masks."""
    body = {"image": base64_of(picture()), "mask_model": "sam", "dino_prompt_text": "disc", "box_threshold": 0}
    assert list(errors_of(client.post(MASK, json=body))) == ["box_threshold"]
    assert client.post(MASK, json={**body, "dino_debug": True}).status_code == 200
    assert client.post(MASK, json={**body, "mask_model": "u2net"}).status_code == 200


def test_a_refused_request_keeps_no_image(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    client = Client(host.url)
    errors_of(client.post(MASK, json={"image": base64_of(picture()), "mask_model": "u3net"}))
    errors_of(client.post(DESCRIBE, json={"image": base64_of(picture()), "image_type": "Painting"}))
    assert list(host.outputs.rglob("*.png")) == []
