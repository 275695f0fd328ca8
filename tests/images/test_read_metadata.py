"""`POST /v1/tools/read-metadata`: its ways to take an image or a text, and its refusals."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.fakes import metadata_files as files
from fooocus_api.tests.support.host import Host

READ = "/v1/tools/read-metadata"
FILE = files.by_fooocus(files.fooocus_text("2.5.5"), "fooocus", "JPEG")


def read(client: Client, content: bytes) -> dict[str, Any]:
    answer = client.post(READ, files={"image": ("a.png", content)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_image_may_be_sent_in_every_way(client: Client, demo: Host) -> None:
    content, expected = FILE, read(client, FILE)
    encoded = base64.b64encode(content).decode("ascii")
    uploaded = client.post("/inputs", files={"image": ("a.jpg", content)}).json()
    for image in (encoded, f"data:image/jpeg;base64,{encoded}", uploaded["url"], uploaded["file_name"]):
        assert client.post(READ, json={"image": image}).json() == expected
    before = len(list(demo.outputs.rglob("*.*")))
    gif = files.with_comment("GIF", "a robot\nSteps: 3, Seed: 5, Sampler: Euler")
    assert read(client, gif)["source"] == "gif:comment"  # the file itself, not one converted to PNG
    assert len(list(demo.outputs.rglob("*.*"))) == before


def test_a_text_may_be_sent_in_a_form(client: Client) -> None:
    answer = client.post(READ, files={"text": (None, files.A1111)})
    assert answer.status_code == 200
    assert answer.json() == client.post(READ, json={"text": files.A1111}).json()


def test_a_file_without_parameters_answers_so(client: Client) -> None:
    answer = read(client, files.png({}))
    assert (answer["scheme"], answer["request"], answer["raw"], answer["parameters"]) == (None, None, None, {})
    assert "no parameters" in answer["warnings"][0]
    comfy = read(client, files.png({"workflow": '{"nodes": [{"type": "A"}]}'}))
    assert (comfy["scheme"], comfy["request"]) == ("comfyui", None)


@pytest.mark.parametrize(
    ("request_", "field", "code"),
    [
        ({"json": {}}, "image", "required"),
        ({"json": {"image": "None"}}, "image", "required"),
        ({"json": {"image": 5}}, "image", "wrong_type"),
        ({"json": {"image": "no image"}}, "image", "unreadable_image"),
        ({"json": {"image": base64.b64encode(b"<html>" * 9).decode()}}, "image", "unreadable_image"),
        ({"json": {"image": "/outputs/2020-01-01/a.png"}}, "image", "unreadable_image"),
        ({"json": {"text": "x" * 1_000_001}}, "text", "too_long"),
        ({"json": {"text": "a", "image": "iVBORw0KGgo="}}, "text", "conflict"),
        ({"files": {"image": b"no image"}}, "image", "unreadable_image"),
        ({"files": {"image": b""}}, "image", "required"),
        ({"files": {"other": b"x"}}, "image", "required"),
    ],
    ids=str,
)
def test_a_bad_request_names_the_field(client: Client, request_: dict[str, Any], field: str, code: str) -> None:
    answer = client.post(READ, **request_)
    assert answer.status_code == 422, answer.text
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]


def test_other_bodies_and_unknown_members_are_named(client: Client) -> None:
    assert client.post(READ, data=b"x", headers={"Content-Type": "image/png"}).status_code == 415
    answer = client.post(READ, json={"text": "a", "scheme": "a1111"})
    assert answer.status_code == 200 and answer.headers["X-Ignored-Fields"] == "scheme"


HOSTILE: dict[str, dict[str, Any]] = {
    "huge numbers": {"guidance_scale": 1e300, "sharpness": -5, "steps": 10**20, "clip_skip": 99, "adaptive_cfg": 0},
    "seeds": {"seed": str(2**63)},
    "negative seed": {"seed": -7},
    "long prompt": {"prompt": "a" * 30_000},
    "tags": {"prompt": "<lora:demo_warm_light:1> " * 200, "negative_prompt": "<lora:a:1> <lora:b"},
    "paths": {"base_model": "../../../etc/passwd", "vae": "C:\\Windows", "lora_combined_1": "../x : 1"},
    "many styles": {"styles": [f"style {number}" for number in range(399)]},
    "many LoRAs": {f"lora_combined_{number}": "demo_warm_light : 1" for number in range(300)},
    "control characters": {"prompt": "a\0b\x1b[31m", "styles": "['\0']"},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_values_leave_a_request_that_is_accepted(client: Client, kind: str) -> None:
    text = files.fooocus_text("2.5.5", **HOSTILE[kind])
    request = client.post(READ, json={"text": text}).json()["request"]
    record = client.post("/v1/engine/generate/", json={**request, "async_process": True})
    assert record.status_code == 200, record.text
    client.post(f"/tasks/{record.json()['task_id']}/stop")


def test_images_of_others_are_absent(demo_factory: DemoFactory) -> None:
    ann, ben = "a" * 20, "b" * 20
    host = demo_factory("--apikey", ann, "--apikey", ben)
    record = Client(host.url, ann).draw(prompt="a lamp")
    path = record["result"][0].partition("?")[0]
    assert Client(host.url, ann).post(READ, json={"image": path}).json()["scheme"] == "fooocus"
    assert Client(host.url).post(READ, json={"image": path}).status_code == 401
