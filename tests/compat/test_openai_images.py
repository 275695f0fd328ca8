"""The openai client for Python, unmodified, against the demo host: generations, streams, edits, variations and models."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import requests

from fooocus_api.tests.support.client import Client, events, picture
from fooocus_api.tests.support.compat.pictures import HOLE, SIZE, black_and_white, decoded, png
from fooocus_api.tests.support.host import Host, demo_host

FEW: dict[str, Any] = {"steps": 2, "style_selections": []}
"""Extra fields of a cheap request."""
PATHS = ("/v1/images/generations", "/v1/images/edits", "/v1/models")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=1) as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> openai.OpenAI:
    """Return a client as users write it who have no key."""
    return openai.OpenAI(base_url=f"{host.url}/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def native(host: Host) -> Client:
    return Client(host.url)


def newest(native: Client) -> dict[str, Any]:
    """Return the record of the newest task."""
    return native.tasks(query="all", page_size=1)["history"][0]


def url_of(answer: openai.types.ImagesResponse, index: int = 0) -> str:
    assert answer.data is not None
    url = answer.data[index].url
    assert url is not None
    return url


# ------------------------------------------------------------------------- generations


def test_a_url_alone_by_default(client: openai.OpenAI, native: Client) -> None:
    answer = client.images.generate(prompt="a cat", size="1024x1024", extra_body=FEW)
    assert answer.data is not None and len(answer.data) == 1 and answer.created > 1_700_000_000
    assert set(answer.data[0].to_dict()) == {"url", "seed", "task_id"}
    assert native.image(url_of(answer)).size == (1024, 1024)
    assert (answer.size, answer.quality, answer.output_format, answer.background) == (
        "1024x1024",
        "medium",
        "png",
        "opaque",
    )
    assert answer.usage is not None and answer.usage.total_tokens == 0


@pytest.mark.parametrize("arguments", [{"model": "gpt-image-1"}, {"response_format": "b64_json"}])
def test_base64_alone_if_asked(client: openai.OpenAI, arguments: dict[str, Any]) -> None:
    answer = client.images.generate(prompt="a cat", size="256x384", extra_body=FEW, **arguments)
    assert answer.data is not None and set(answer.data[0].to_dict()) == {"b64_json", "seed", "task_id"}
    assert decoded(answer.data[0].b64_json).size == (256, 384) and answer.size == "256x384"


def test_the_history_has_the_generated_size(client: openai.OpenAI, native: Client) -> None:
    answer = client.images.generate(prompt="a cat", size="512x512", extra_body=FEW)
    assert native.image(url_of(answer)).size == (512, 512)
    (image,) = newest(native)["images"]
    assert (image["width"], image["height"]) == (1024, 1024)


def test_formats_and_compression(client: openai.OpenAI) -> None:
    sizes = {}
    for compression in (10, 95):
        answer = client.images.generate(
            prompt="a city at night",
            model="gpt-image-1",
            output_format="jpeg",
            output_compression=compression,
            extra_body={**FEW, "seed": 5},
        )
        assert answer.data is not None and answer.output_format == "jpeg"
        assert decoded(answer.data[0].b64_json).format == "JPEG"
        sizes[compression] = len(answer.data[0].b64_json or "")
    assert sizes[10] < sizes[95]


def test_fields_of_other_servers_and_of_fooocus(client: openai.OpenAI, native: Client) -> None:
    extra = {
        "seed": 77,
        "steps": 3,
        "negative_prompt": "rain",
        "cfg_scale": 6.5,
        "sampler": "DPM++ 2M Karras",
        "sharpness": 4,
        "tags": ["album"],
        "nonsense": 1,
    }
    raw = client.images.with_raw_response.generate(prompt="a boat", n=2, user="me", extra_body=extra)
    assert raw.headers["x-ignored-fields"] == "user, nonsense"
    record = native.task(raw.headers["x-task-id"])
    used = record["req_params"]
    assert [image["seed"] for image in record["images"]] == [77, 78]
    expected = {
        "image_seed": 77,
        "overwrite_step": 3,
        "negative_prompt": "rain",
        "guidance_scale": 6.5,
        "sampler_name": "dpmpp_2m",
        "scheduler_name": "karras",
        "sharpness": 4,
        "tags": ["album"],
        "image_number": 2,
    }
    assert {name: used[name] for name in expected} == expected
    answer = raw.parse()
    assert answer.data is not None and len(answer.data) == 2
    assert answer.safety_identifier == "me"


def test_random_seeds_have_32_bits(client: openai.OpenAI, native: Client) -> None:
    client.images.generate(prompt="a cat", extra_body=FEW)
    assert newest(native)["images"][0]["seed"] < 2**32


@pytest.mark.parametrize(
    ("name", "used"),
    [
        (None, "demo_daylight.safetensors"),
        ("dall-e-3", "demo_daylight.safetensors"),
        ("demo_nightfall", "demo_nightfall.safetensors"),
        ("demo_nightfall.safetensors", "demo_nightfall.safetensors"),
        ("nightfall", "demo_nightfall.safetensors"),
    ],
)
def test_a_model_is_a_checkpoint_a_preset_or_the_default(host: Host, name: str | None, used: str) -> None:
    body = {"prompt": "a cat", "model": name, "steps": 1}
    response = requests.post(f"{host.url}/v1/images/generations?api-version=2026-01-01", json=body, timeout=120)
    assert response.status_code == 200 and response.headers["X-Fooocus-Model"] == used


def test_quality_and_style(client: openai.OpenAI, native: Client) -> None:
    answer = client.images.generate(prompt="a cat", quality="hd", style="natural", extra_body={"steps": 1})
    used = newest(native)["req_params"]
    assert answer.quality == "high" and used["performance_selection"] == "Quality"
    assert not {"Fooocus Enhance", "Fooocus Sharp"} & set(used["style_selections"])


def test_low_quality_downloads_no_lora(client: openai.OpenAI, native: Client) -> None:
    raw = client.images.with_raw_response.generate(prompt="a cat", quality="low", extra_body={"steps": 1})
    assert newest(native)["req_params"]["performance_selection"] == "Speed"  # the demo has none of those LoRAs
    assert raw.headers["x-ignored-fields"] == "quality"


# ------------------------------------------------------------------------- streams


def test_a_stream_has_previews_and_each_image(client: openai.OpenAI) -> None:
    with client.images.generate(
        prompt="a cat", size="256x256", stream=True, partial_images=3, extra_body={"steps": 12}
    ) as stream:
        received = list(stream)
    *partial, last = received
    assert 1 <= len(partial) <= 3
    assert [one.partial_image_index for one in partial] == list(range(len(partial)))  # type: ignore[union-attr]
    assert {one.type for one in partial} == {"image_generation.partial_image"}
    assert last.type == "image_generation.completed" and last.usage.total_tokens == 0
    assert decoded(last.b64_json).size == (256, 256) and last.size == "256x256"
    assert all(decoded(one.b64_json).format == "PNG" for one in partial)


def test_a_stream_without_previews_has_an_event_for_each_image(client: openai.OpenAI) -> None:
    stream = client.images.generate(prompt="a cat", n=2, stream=True, output_format="webp", extra_body=FEW)
    received = list(stream)
    assert [one.type for one in received] == ["image_generation.completed"] * 2
    assert {decoded(one.b64_json).format for one in received} == {"WEBP"}


def test_a_streamed_edit_has_names_of_its_own(client: openai.OpenAI) -> None:
    received = list(
        client.images.edit(image=png(), prompt="a hat", stream=True, partial_images=1, extra_body={"steps": 9})
    )
    assert received[-1].type == "image_edit.completed"
    assert {one.type for one in received[:-1]} <= {"image_edit.partial_image"}


def test_events_on_the_wire(host: Host) -> None:
    body = {"prompt": "a cat", "stream": True, "partial_images": 2, "steps": 8}
    with requests.post(f"{host.url}/v1/images/generations", json=body, stream=True, timeout=120) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        received = list(events(response))
    assert all(one.name == one.data["type"] for one in received)
    for one in received:
        assert {"b64_json", "background", "created_at", "output_format", "quality", "size"} <= set(one.data)


# ------------------------------------------------------------------------- edits and variations


def test_an_edit_within_a_mask(client: openai.OpenAI, native: Client) -> None:
    for mask in (png(hole=True), black_and_white()):
        answer = client.images.edit(image=png(), mask=mask, prompt="a boat", extra_body=FEW)
        used = newest(native)["req_params"]
        assert used["inpaint_input_image"] and used["uov_input_image"] is None
        with native.image(used["inpaint_mask_image_upload"]) as area:
            assert area.getpixel((HOLE[0], HOLE[1])) == 255 and area.getpixel((0, 0)) == 0
        assert native.image(url_of(answer)).size == SIZE


def test_an_image_with_transparency_is_its_own_mask(client: openai.OpenAI, native: Client) -> None:
    client.images.edit(image=png(hole=True), prompt="a boat", extra_body=FEW)
    assert newest(native)["req_params"]["inpaint_mask_image_upload"]


@pytest.mark.parametrize(("fidelity", "method"), [(None, "Vary (Strong)"), ("high", "Vary (Subtle)")])
def test_an_edit_without_a_mask_varies(client: openai.OpenAI, native: Client, fidelity: Any, method: str) -> None:
    answer = client.images.edit(
        image=("photo.bin", png()), prompt="a boat", input_fidelity=fidelity or openai.omit, extra_body=FEW
    )
    assert newest(native)["req_params"]["uov_method"] == method
    assert native.image(url_of(answer)).size == SIZE and answer.size == f"{SIZE[0]}x{SIZE[1]}"


def test_further_images_are_image_prompts(client: openai.OpenAI, native: Client) -> None:
    images = [png(), png(colour="navy"), png(colour="gold")]
    answer = client.images.edit(
        image=images, prompt="a boat", n=2, size="256x256", background="auto", quality="auto", extra_body=FEW
    )
    used = newest(native)["req_params"]
    assert len([one for one in used["controlnet_image"] if one["cn_img"]]) == 2
    assert used["mixing_image_prompt_and_vary_upscale"] is True and used["image_number"] == 2
    assert native.image(url_of(answer, 1)).size == (256, 256)


def test_edits_as_json_with_references(host: Host, client: openai.OpenAI, native: Client) -> None:
    earlier = url_of(client.images.generate(prompt="a cat", size="1024x1024", extra_body=FEW))
    data_url = f"data:image/png;base64,{base64.b64encode(png(hole=True)).decode()}"
    for image, inpaints in ({"image_url": earlier}, False), ({"image_url": data_url}, True):
        body = {"prompt": "a hat", "images": [image], "response_format": "b64_json", **FEW}
        response = requests.post(f"{host.url}/v1/images/edits", json=body, timeout=120)
        assert response.status_code == 200, response.text
        assert bool(newest(native)["req_params"]["inpaint_input_image"]) is inpaints
        assert picture(base64.b64decode(response.json()["data"][0]["b64_json"])).size in ((1024, 1024), SIZE)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI itself no longer serves them
def test_variations(client: openai.OpenAI, native: Client) -> None:
    answer = client.images.create_variation(
        image=png(), n=2, size="256x256", response_format="b64_json", extra_body=FEW
    )
    used = newest(native)["req_params"]
    assert (used["uov_method"], used["prompt"], used["image_number"]) == ("Vary (Subtle)", "", 2)
    assert answer.data is not None and [decoded(one.b64_json).size for one in answer.data] == [(256, 256)] * 2


def test_fields_of_a_form_are_texts(host: Host, native: Client) -> None:
    form = {"prompt": "a hat", "n": "2", "stream": "false", "seed": "5", "tags": '["a", "b"]', "steps": "1"}
    form |= {"size": "", "quality": "null", "background": "undefined"}  # as forms, and as JavaScript, write nothing
    files = [("image[]", ("upload", png(), "application/octet-stream"))]
    response = requests.post(f"{host.url}/v1/images/edits", data=form, files=files, timeout=120)
    assert response.status_code == 200 and len(response.json()["data"]) == 2, response.text
    assert newest(native)["req_params"]["tags"] == ["a", "b"]


# ------------------------------------------------------------------------- models


def test_models(client: openai.OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert ids[-2:] == ["gpt-image-1", "dall-e-3"] and "demo_daylight.safetensors" in ids
    found = client.models.retrieve("demo_nightfall")
    assert (found.id, found.object, found.owned_by) == ("demo_nightfall.safetensors", "model", "fooocus")
    assert found.created > 0 and client.models.retrieve("gpt-image-1").id == "gpt-image-1"


@pytest.mark.parametrize("path", PATHS)
def test_a_plain_options_request_is_answered(host: Host, path: str) -> None:
    assert requests.options(f"{host.url}{path}", timeout=60).status_code == 204


def test_the_schema_has_the_routes(native: Client) -> None:
    schema = native.get("/v1/openapi/openai.json").json()
    assert set(schema["paths"]) == {
        "/v1/images/generations",
        "/v1/images/edits",
        "/v1/images/variations",
        "/v1/models",
        "/v1/models/{model}",
    }
