"""Repetitions on a real Fooocus have the same pixels, after other tasks and after a restart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.tests.real.test_features_real import data, enhancement
from fooocus_api.tests.support.client import Client, Record

if TYPE_CHECKING:
    from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.real

V2 = "Fooocus V2"
CHOSEN: dict[str, Any] = {
    "prompt": "a __color__ __animal__ with a [[hat,scarf]], <lora:tiny_lora:0.5>\nby the __flower__",
    "style_selections": ["Random Style", "Fooocus Sharp"],
    "image_number": 2,
}
EXPANDED = {**CHOSEN, "style_selections": [V2, "Random Style"]}
"""Takes a CPU a minute for each image."""
WHOLE: dict[str, dict[str, Any]] = {
    "text": CHOSEN,
    "vary": {"uov_input_image": data(), "uov_method": "Vary (Strong)"},
    "upscale": {"uov_input_image": data(), "uov_method": "Upscale (1.5x)"},
    "enhance": {"enhance_input_image": data(), "enhance_ctrls": [enhancement("u2net")]},
}
SINGLE: dict[str, dict[str, Any]] = {
    "expanded": EXPANDED,
    "one seed": {**CHOSEN, "disable_seed_increment": True},
    "wildcards in order": {"prompt": "a __color__ boat", "read_wildcards_in_order": True, "image_number": 2},
    "inpaint": {
        "inpaint_input_image": data(),
        "inpaint_mask_image_upload": data(128, 128, (30, 30, 90, 90)),
        "inpaint_additional_prompt": "a door",
        "image_number": 2,
    },
}


@pytest.fixture(scope="module")
def originals(real: Host, request: pytest.FixtureRequest) -> dict[str, Record]:
    """Return the record of each chosen case. Afterwards Fooocus was restarted, and another task has moved the random state on."""
    client = Client(real.url, patience=900)
    items: list[Any] = list(request.session.items)
    chosen = {item.callspec.params["case"] for item in items if "originals" in item.fixturenames}
    cases = {name: fields for name, fields in {**WHOLE, **SINGLE}.items() if name in chosen}
    records = {name: client.draw(**{"prompt": "a boat", **fields}) for name, fields in cases.items()}
    real.stop()
    real.start()
    client.draw(
        prompt="another", image_seed=99
    )  # its seed sets the state, in a tenth of the time that an input image takes
    return records


def pixels(client: Client, record: Record) -> list[bytes]:
    return [client.image(url).convert("RGB").tobytes() for url in record["result"]]


@pytest.mark.parametrize("case", WHOLE)
def test_a_repetition_has_the_same_pixels(real: Host, originals: dict[str, Record], case: str) -> None:
    client = Client(real.url, patience=900)
    record = client.task(originals[case]["task_id"])
    assert [(image["exact"], image.get("differences")) for image in record["images"]] == [(True, None)] * len(
        record["images"]
    )
    again = client.post(f"/tasks/{record['task_id']}/repeat").json()
    assert again["repeats"]["exact"], again["repeats"]
    assert pixels(client, again) == pixels(client, record)


@pytest.mark.parametrize("case", ["text", *SINGLE])
def test_one_image_of_several_has_the_same_pixels(real: Host, originals: dict[str, Record], case: str) -> None:
    client = Client(real.url, patience=900)
    record = client.task(originals[case]["task_id"])
    last = len(record["images"]) - 1
    again = client.post(f"/tasks/{record['task_id']}/repeat", params={"image": last}).json()
    assert again["repeats"]["exact"], again["repeats"]
    assert len(again["images"]) == 1
    assert again["images"][0]["metadata"]["prompt"] == record["images"][last]["metadata"]["prompt"]
    assert pixels(client, again) == pixels(client, record)[last:]


@pytest.mark.parametrize("case", ["vary"])
def test_an_image_is_repeated_by_its_body(real: Host, originals: dict[str, Record], case: str) -> None:
    client = Client(real.url, patience=900)
    record = client.task(originals[case]["task_id"])
    again = client.post("/v1/engine/generate", json=record["images"][0]["repeat"]).json()
    assert pixels(client, again) == pixels(client, record)


def test_the_expanded_prompt_is_what_fooocus_logs(real: Host) -> None:
    client = Client(real.url, patience=900)
    record = client.draw(**{**EXPANDED, "image_number": 1})
    fields = {**EXPANDED, "performance_selection": "Lightning", "image_seed": record["images"][0]["seed_text"]}
    (shown,) = client.post("/v1/tools/expand-prompt", json={**fields, "image_number": 1}).json()["images"]
    (image,) = record["images"]
    logged = image["metadata"]
    assert shown["seed_text"] == image["seed_text"]
    assert "\n".join(shown["prompt_lines"]) == logged["prompt"]
    assert str(shown["styles"]) == logged["styles"]
    assert shown["expansion"] == logged["prompt_expansion"]
    loras = [value for name, value in logged.items() if name.startswith("lora_combined_")]
    assert [f"{lora['model_name']} : {lora['weight']}" for lora in shown["loras"]] == loras
    assert shown["positive"] == full_prompt(client, image["url"])


def full_prompt(client: Client, url: str) -> list[str]:
    """Return the texts that Fooocus encoded, which it embeds in the file."""
    texts: list[str] = json.loads(client.image(url).info["parameters"])["full_prompt"]
    return texts
