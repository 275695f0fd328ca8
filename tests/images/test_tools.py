"""Describe, mask and unload over HTTP on the demo host: their answers, and their turn in the worker's queue."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import pytest
import requests
from PIL import Image as PILImage
from PIL import ImageDraw

from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host

DESCRIBE = "/v1/tools/describe-image"
MASK = "/v1/tools/generate_mask"
UNLOAD = "/v1/engine/unload"


def picture(mode: str = "RGB", size: tuple[int, int] = (240, 160)) -> bytes:
    """Return a PNG of a red disc on pale blue."""
    image = PILImage.new("RGB", size, (160, 200, 235))
    width, height = size
    ImageDraw.Draw(image).ellipse((width / 3, height / 4, width / 1.5, height / 1.4), fill=(200, 40, 40))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


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


# ---------------------------------------------------------------------------- unload


def test_after_an_unload_the_next_task_loads_its_models_again(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    client = Client(host.url)
    lake = {"prompt": "a lake", "image_seed": 5, "style_selections": ["Fooocus V2"]}  # expanded by a model
    before = client.draw(**lake)
    loaded = host.log().count("Loaded ")
    answer = client.post(UNLOAD)
    assert answer.status_code == 200 and answer.json()["message"].startswith("The models are unloaded"), answer.text
    after = client.draw(**lake)
    assert host.log().count("Loaded ") == loaded + 1
    assert pixels(client, before) == pixels(client, after)
    client.draw()
    assert host.log().count("Loaded ") == loaded + 1


def pixels(client: Client, record: dict[str, Any]) -> bytes:
    content = client.get(record["result"][0]).content
    return PILImage.open(io.BytesIO(content)).convert("RGB").tobytes()


# ------------------------------------------------------------------------------ turns


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Host, Path]]:
    """Yield a demo host and the folder of the files `go` and `calls`.

    Its caption of a photo adds a line to `calls` and waits for `go`; its tags fail.
    """
    checkout = tmp_path / "checkout"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("__pycache__", "outputs", "temp", "config.txt"))
    extras = checkout / "extras"
    (extras / "interrogate.py").write_text(
        "import pathlib, time\n"
        f"FOLDER = pathlib.Path({str(tmp_path)!r})\n"
        "def default_interrogator(image):\n"
        "    with (FOLDER / 'calls').open('a') as calls:\n"
        "        print(image.shape[1], file=calls)\n"
        "    while not (FOLDER / 'go').exists():\n"
        "        time.sleep(0.01)\n"
        "    return 'at last'\n",
        encoding="utf-8",
    )
    (extras / "wd14tagger.py").write_text(
        "def default_interrogator(image):\n    raise SystemExit('the tagger is gone')\n", encoding="utf-8"
    )
    with demo_host(checkout=checkout, step_ms=60) as host:
        yield host, tmp_path


def calls(folder: Path) -> list[str]:
    file = folder / "calls"
    return file.read_text().split() if file.exists() else []


def test_a_tool_waits_for_the_running_task(slow: tuple[Host, Path]) -> None:
    host, folder = slow
    (folder / "go").touch()
    client = Client(host.url)
    task_id = client.submit(overwrite_step=40)["task_id"]
    client.until(task_id, "running")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(Client(host.url).post, DESCRIBE, files={"image": picture()})
        assert client.get("/v1/info").json()["worker_alive"]
        assert client.task(task_id)["task_status"] == "running" and calls(folder) == []
        assert answer.result().json() == {"describe": "at last"}
    assert client.ended(task_id)["task_status"] == "finished"


def test_a_tool_at_work_blocks_nobody_but_the_queue(slow: tuple[Host, Path]) -> None:
    host, folder = slow
    client = Client(host.url)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(Client(host.url).post, DESCRIBE, files={"image": picture()})
        wait_for(lambda: calls(folder), "the tool to begin")
        task_id = client.submit()["task_id"]
        assert client.get("/v1/info").json()["tasks"] == {"pending": 1, "running": 0}
        assert client.control("stop").json()["message"] == "No task is running."
        assert client.task(task_id)["task_status"] == "pending"
        (folder / "go").touch()
        assert answer.result().json() == {"describe": "at last"}
    assert client.ended(task_id)["task_status"] == "finished"


def test_a_client_that_goes_away_gives_up_its_turn(slow: tuple[Host, Path]) -> None:
    host, folder = slow
    client = Client(host.url)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(Client(host.url).post, DESCRIBE, files={"image": picture(size=(100, 100))})
        wait_for(lambda: calls(folder), "the tool to begin")
        with pytest.raises(requests.Timeout):
            client.post(DESCRIBE, files={"image": picture(size=(200, 200))}, timeout=2)
        client.session.close()
        last = pool.submit(Client(host.url).post, DESCRIBE, files={"image": picture(size=(300, 300))})
        for _ in range(5):
            assert client.get("/v1/info").status_code == 200  # so that the server notices the closed connection
        (folder / "go").touch()
        assert first.result().status_code == last.result().status_code == 200
    assert calls(folder) == ["100", "300"]


def test_a_tool_that_fails_says_so_and_leaves_the_worker_fine(slow: tuple[Host, Path]) -> None:
    host, _ = slow
    client = Client(host.url)
    answer = client.post(DESCRIBE, files={"image": picture()}, data={"image_type": "Anime"})
    assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["error"] == {"type": "SystemExit", "message": "the tagger is gone"}
    assert answer.json()["code"] == "tool_failed" and "the tagger is gone" in answer.json()["detail"]
    assert client.draw()["task_status"] == "finished"
    assert "has died" not in host.log()
