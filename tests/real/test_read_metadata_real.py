"""Parameters that a real Fooocus has written into its images: they are read back, and their request generates the image again."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.fakes import metadata_files as files

pytestmark = pytest.mark.real

READ = "/v1/tools/read-metadata"
FIELDS: dict[str, Any] = {
    "prompt": "a red kite, over dunes\nsecond line",
    "negative_prompt": "rain, fog",
    "style_selections": ["Fooocus V2", "Fooocus Enhance", "Fooocus Sharp"],
    "performance_selection": "Speed",
    "overwrite_step": 2,
    "overwrite_width": 256,
    "overwrite_height": 320,
    "image_seed": 7_304_116_981_347_742,
    "guidance_scale": 5.5,
    "sharpness": 3.5,
    "clip_skip": 1,
    "loras": [{"model_name": "tiny_lora.safetensors", "weight": 0.4}],
}


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("scheme", ["fooocus", "a1111"])
def test_an_image_is_generated_again_from_its_file(real_client: Client, scheme: str, image_format: str) -> None:
    first = real_client.draw(**FIELDS, metadata_scheme=scheme, output_format=image_format)
    answer = real_client.post(READ, json={"image": first["result"][0]}).json()
    assert (answer["scheme"], answer["generator"]["name"], answer["unmapped"]) == (scheme, "Fooocus", [])
    assert {one["match"] for one in answer["models"]} == {"hash"}
    request = answer["request"]
    assert {name: request[name] for name in FIELDS if name not in ("loras", "style_selections", "image_seed")} == {
        name: value for name, value in FIELDS.items() if name not in ("loras", "style_selections", "image_seed")
    }
    assert request["image_seed"] == str(FIELDS["image_seed"])
    assert sorted(request["style_selections"]) == sorted(FIELDS["style_selections"])
    again = real_client.post("/v1/engine/generate/", json={**request, "output_format": image_format}).json()
    assert again["task_status"] == "finished", again
    pictures = [real_client.image(record["result"][0]).convert("RGB").tobytes() for record in (first, again)]
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize(
    "styles", [["SAI Anime", "MRE Comic", "Fooocus Negative"], ["Fooocus Enhance"], ["Fooocus V2"], []]
)
def test_styles_are_recognised_by_their_texts(real_client: Client, styles: list[str]) -> None:
    fields = {**FIELDS, "style_selections": styles, "metadata_scheme": "a1111", "overwrite_step": 1}
    first = real_client.draw(**fields)
    answer = real_client.post(READ, json={"image": first["result"][0]}).json()
    found = answer["request"]["style_selections"]
    assert sorted(found) == sorted(styles) and "style_selections" not in {one["name"] for one in answer["unmapped"]}


def test_an_upscaled_image_says_so(real_client: Client) -> None:
    tall = {**FIELDS, "overwrite_height": 640}  # upscaled, it has none of the listed sizes, by which it is recognised
    first = real_client.draw(**tall)
    name = PurePosixPath(first["result"][0]).name
    larger = real_client.draw(
        **{**tall, "overwrite_step": 1, "uov_method": "Upscale (1.5x)", "uov_input_image": first["result"][0]}
    )
    assert PurePosixPath(larger["result"][0]).name != name
    answer = real_client.post(READ, json={"image": larger["result"][0]}).json()
    assert any("input images" in one or "from the text alone" in one for one in answer["warnings"]), answer


TEXTS = {
    **{f"fooocus {version}": files.fooocus_text(version) for version in ("2.2.0", "2.3.1", "2.4.3")},
    "a1111 2.2.0": files.a1111_line("2.2.0"),
    "log of 2.1": json.dumps(files.log_entry()),
    "A1111": files.A1111,
}


@pytest.mark.parametrize("kind", TEXTS)
def test_requests_of_other_files_are_accepted(real_client: Client, kind: str) -> None:
    request = real_client.post(READ, json={"text": TEXTS[kind]}).json()["request"]
    small = {"overwrite_step": 1, "overwrite_width": 256, "overwrite_height": 256}
    record = real_client.post("/v1/engine/generate/", json={**request, **small}).json()
    assert record["task_status"] == "finished", record
