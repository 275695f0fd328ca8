"""Bad requests: each gets a problem document that names the field and the allowed values, and leaves no task, row or file."""

from __future__ import annotations

import base64
import io
import os
import sqlite3
from codecs import BOM_UTF8
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.tests.generation.test_features import WRONG, data
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

NEW = "<new>"
"""Placeholder of an image that the host has never seen."""

BAD: list[tuple[dict[str, Any], str]] = [
    ({"image_number": 0}, "image_number"),
    ({"image_number": 33}, "image_number"),
    ({"image_number": "many"}, "image_number"),
    ({"sharpness": 31}, "sharpness"),
    ({"guidance_scale": None}, "guidance_scale"),
    ({"image_seed": -2}, "image_seed"),
    ({"overwrite_width": 2049}, "overwrite_width"),
    ({"style_selections": "Fooocus V2"}, "style_selections"),
    ({"style_selections": ["Fooocus V2", "No Such Style"]}, "style_selections[1]"),
    ({"performance_selection": "Fast"}, "performance_selection"),
    ({"aspect_ratios_selection": "10*10"}, "aspect_ratios_selection"),
    ({"output_format": "gif"}, "output_format"),
    ({"base_model_name": "no_such_model.safetensors"}, "base_model_name"),
    ({"refiner_model_name": "no_such_model.safetensors"}, "refiner_model_name"),
    ({"sampler_name": "eulr"}, "sampler_name"),
    ({"scheduler_name": "kerras"}, "scheduler_name"),
    ({"vae_name": "no_such.vae"}, "vae_name"),
    ({"refiner_swap_method": "x"}, "refiner_swap_method"),
    ({"metadata_scheme": "x"}, "metadata_scheme"),
    ({"loras": [{"model_name": "None", "weight": 3}]}, "loras[0].weight"),
    ({"loras": [{"model_name": "None"}, {"model_name": "no_such_lora"}]}, "loras[1].model_name"),
    ({"uov_input_image": "http://127.0.0.1:9/a.png", "uov_method": "Vary (Subtle)"}, "uov_input_image"),
    ({"controlnet_image": [{"cn_type": "CPDS"}, {"cn_img": "iVBORw0KGgo="}]}, "controlnet_image[1].cn_img"),
    ({"preset": "../config"}, "preset"),
    ({"webhook_url": "ftp://example.com"}, "webhook_url"),
    ({"webhook_url": "example.com/hook"}, "webhook_url"),
    ({"webhook_url": "http://:80/hook"}, "webhook_url"),
    ({"webhook_url": "http://example.com:99999/"}, "webhook_url"),
    ({"webhook_url": "http://example.com/a hook"}, "webhook_url"),
    ({"webhook_url": f"http://example.com/{'a' * 2000}"}, "webhook_url"),
    *WRONG,
    # the image before the bad one is valid, and new to the host
    ({"controlnet_image": [{"cn_img": NEW}, {"cn_img": "iVBORw0KGgo="}]}, "controlnet_image[1].cn_img"),
    ({"inpaint_input_image": NEW, "inpaint_mask_image_upload": "/inputs/none.png"}, "inpaint_mask_image_upload"),
    ({"save_name": "../up"}, "save_name"),
]


def with_new_images(value: Any) -> Any:
    """Replace `NEW` by an image in a nested value."""
    if isinstance(value, dict):
        return {key: with_new_images(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_new_images(item) for item in value]
    return new_image() if value == NEW else value


def new_image() -> str:
    buffer = io.BytesIO()
    PILImage.frombytes("RGB", (24, 16), os.urandom(24 * 16 * 3)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def what_is_there(host: Host) -> dict[str, Any]:
    """Return all that a request could leave behind: files, row counts of every table, task counts."""
    database = host.outputs / ".fooocus_api" / "tasks.sqlite3"
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        rows = {name: connection.execute(f'select count(*) from "{name}"').fetchone()[0] for name in tables}
    folders = [host.outputs, host.temp, host.checkout / "models"]
    files = {
        path for folder in folders for path in folder.rglob("*") if path.is_file() and database.name not in path.name
    }
    # The journal of a task that has just ended is deleted a moment later, and the day's log written.
    files = {
        path for path in files if path.parent.name not in ("unfinished", "log") and path.suffix not in (".html", ".tmp")
    }
    return {"files": files, "rows": rows, "tasks": Client(host.url).get("/v1/info").json()["tasks"]}


@pytest.fixture
def leaves_nothing(demo: Host, client: Client) -> Iterator[None]:
    """Check that the host holds the same after the test as before."""
    client.has_tasks(running=0)
    before = what_is_there(demo)
    assert before["rows"]
    yield
    assert what_is_there(demo) == before


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize(("fields", "field"), BAD)
def test_the_field_is_named_and_nothing_is_left(client: Client, fields: dict[str, Any], field: str) -> None:
    response = client.generate(**with_new_images(fields))
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 422 and problem["title"]
    assert field in [error["field"] for error in problem["errors"]]
    assert field in problem["detail"]


UTF8, GBK = (f'{{"prompt": "{chr(0x753B)}{chr(0x732B)}"}}'.encode(code) for code in ("utf-8", "gbk"))
JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "kind", "advice"),
    [
        (UTF8, "application/x-www-form-urlencoded", JSON),  # curl's default content type
        (UTF8, "text/plain", JSON),
        (b"[1]", JSON, "a JSON object"),
        (b"", JSON, "a JSON object"),
        (GBK, JSON, "UTF-8"),
        (b"{'prompt': 'cat'}", JSON, "line 1 column 2"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/engine/generate", "/v1/tools/generate_mask"])
def test_a_body_that_can_not_be_read_says_what_to_send(
    client: Client, path: str, body: bytes, kind: str, advice: str
) -> None:
    response = client.post(path, data=body, headers={"Content-Type": kind})
    error = response.json()["errors"][0]
    assert response.status_code == 422 and error["field"] == "body" and advice in error["message"], error


def test_a_byte_order_mark_does_no_harm(client: Client) -> None:
    response = client.post("/v1/engine/generate", data=BOM_UTF8 + UTF8, headers={"Content-Type": JSON})
    assert response.status_code == 200 and "画猫" in response.json()["req_params"]["prompt"]


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("way", [{}, {"async_process": True}, {"stream_output": True}], ids=["sync", "async", "stream"])
def test_a_mask_without_white_is_refused_and_its_images_go(client: Client, way: dict[str, Any]) -> None:
    """Refuse a mask that only the mapping to Fooocus's arguments finds invalid, after the images were written."""
    black = data(colour="black")
    response = client.generate(inpaint_input_image=new_image(), inpaint_mask_image_upload=black, **way)
    assert response.status_code == 422 and "inpaint_mask_image_upload" in response.json()["detail"]


def test_an_image_that_another_request_uses_stays(client: Client, demo: Host) -> None:
    image, black = new_image(), data(colour="black")
    url = client.draw(uov_input_image=image, uov_method="Upscale (Fast 2x)")["req_params"]["uov_input_image"]
    before = what_is_there(demo)
    assert client.generate(inpaint_input_image=image, inpaint_mask_image_upload=black).status_code == 422
    assert what_is_there(demo) == before
    assert client.get(url).status_code == 200


def test_of_many_requests_with_one_image_the_refused_ones_take_nothing_away(client: Client) -> None:
    image, black = new_image(), data(colour="black")
    good = {"inpaint_input_image": image, "outpaint_selections": ["Left"]}
    bad = {"inpaint_input_image": image, "inpaint_mask_image_upload": black}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda fields: Client(client.url).generate(**fields), [bad, good, bad] * 6))
    assert {answer.status_code for answer in answers[1::3]} == {200}
    assert {answer.status_code for answer in answers[::3] + answers[2::3]} == {422}
    for answer in answers[1::3]:
        assert answer.json()["task_status"] == "finished"
        assert client.get(answer.json()["req_params"]["inpaint_input_image"]).status_code == 200


@pytest.mark.usefixtures("leaves_nothing")
def test_a_request_that_can_not_be_recorded_leaves_nothing(client: Client, demo: Host) -> None:
    with closing(sqlite3.connect(demo.outputs / ".fooocus_api" / "tasks.sqlite3")) as connection:
        connection.execute("begin immediate")  # blocks all other writers
        response = client.generate(uov_input_image=new_image(), uov_method="Vary (Subtle)")
        connection.rollback()
    assert response.status_code == 503, response.text


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/tools/describe-image", {"image": NEW, "image_type": "Painting"}),
        ("/v1/tools/describe-image", {"image": "iVBORw0KGgo="}),
        ("/v1/tools/describe-image", {}),
        ("/v1/tools/generate_mask", {"image": NEW, "mask_model": "x"}),
        ("/v1/tools/generate_mask", {"image": NEW, "mask_model": "sam"}),
        ("/v1/tools/generate_mask", {"image": "http://127.0.0.1:9/a.png"}),
        ("/inputs", {"image": NEW}),
    ],
)
def test_tools_and_uploads_leave_nothing_either(client: Client, path: str, body: dict[str, Any]) -> None:
    response = client.post(path, json=with_new_images(body))
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("leaves_nothing")
def test_a_tool_keeps_no_image(client: Client) -> None:
    assert client.post("/v1/tools/describe-image", json={"image": new_image()}).status_code == 200


def test_a_dropped_image_goes_with_the_last_that_held_it(tmp_path: Path) -> None:
    store, content = InputStore(tmp_path), base64.b64decode(new_image())
    name = store.named(content)[0]
    first, second = store.hold({name: content}), store.hold({name: content})
    store.drop(first)
    assert store.path(name).read_bytes() == content
    store.drop(second)
    assert not list(tmp_path.iterdir())


def test_an_image_stays_once_one_request_was_accepted(tmp_path: Path) -> None:
    store, content = InputStore(tmp_path), base64.b64decode(new_image())
    name = store.named(content)[0]
    refused, accepted = store.hold({name: content}), store.hold({name: content})
    store.keep(accepted)
    store.drop(refused)
    assert store.hold({name: content}) == []  # no request holds it as pending any more
    assert store.path(name).read_bytes() == content


def test_the_nearest_names_are_offered(client: Client) -> None:
    error = client.generate(scheduler_name="kerras").json()["errors"][0]
    assert "karras" in error["allowed"]


def test_more_loras_than_there_are_places(client: Client) -> None:
    response = client.generate(loras=[{"model_name": "None"}] * 40)
    assert response.status_code == 422 and "loras" in response.json()["detail"]


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{not json", "application/json"),
        (b"[]", "application/json"),
        (b"", "application/json"),
        (b"a=b", "text/plain"),
    ],
)
def test_a_body_that_is_no_request(client: Client, body: bytes, kind: str) -> None:
    response = client.post("/v1/engine/generate/", data=body, headers={"Content-Type": kind})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


def test_long_names_are_not_taken_for_one_another(client: Client) -> None:
    names: dict[str, Any] = {"x" * 300: 1, "y" * 300: 2, '"' * 300: 3, "": 4, "0" * 257: 5}
    assert client.generate(**names).status_code == 200


@pytest.mark.parametrize("name", ["", "prompt", "é", '\\"', "x" * 200])
def test_a_name_that_is_given_twice_is_refused(client: Client, name: str) -> None:
    body = f'{{"{name}": 1, "{"y" * 300}": "{"z" * 300}", "{name}": 2}}'.encode()
    response = client.post("/v1/engine/generate/", data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422 and "more than once" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/nothing", "/tasks/ffff", "/outputs/2020-01-01/none.png", "/docs/nothing"])
def test_what_is_not_there_is_404(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 404


def test_a_wrong_method_is_405(client: Client) -> None:
    response = client.get("/v1/engine/generate")
    assert response.status_code == 405 and response.json()["title"] == "Method Not Allowed"
