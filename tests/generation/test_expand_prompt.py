"""`POST /v1/tools/expand-prompt`: equal to what the engine encodes and logs, with a place in the queue only for its model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, Host, demo_host

CASES: dict[str, dict[str, Any]] = {
    "plain": {"prompt": "a boat,  by the sea ,", "style_selections": []},
    "styles": {"prompt": "a boat\nand a cat", "style_selections": ["Fooocus Enhance", "Demo Golden Hour"]},
    "choices": {
        "prompt": "a __colour__ [[boat,house]]\n__colour__ sky",
        "negative_prompt": "__colour__\n\nno __colour__",
        "style_selections": ["Fooocus V2", "Random Style", "Random Style"],
        "image_number": 4,
    },
    "one seed": {"prompt": "[[a,b]] [[c,d]] __colour__", "disable_seed_increment": True, "image_number": 4},
    "in order": {"prompt": "__colour__ boat", "read_wildcards_in_order": True, "image_number": 4},
    "missing wildcard": {"prompt": "a __nothing__ boat"},
    "loras": {"prompt": "a boat <lora:demo_dreamy_haze:0.4>", "loras": [{"model_name": "demo_warm_light.safetensors"}]},
    "no prompt": {"prompt": "", "style_selections": ["Fooocus V2", "Fooocus Sharp"]},
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    checkout = tmp_path_factory.mktemp("expand") / "demo"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("__pycache__", "outputs", "temp", "config.txt"))
    (checkout / "wildcards").mkdir(exist_ok=True)
    (checkout / "wildcards" / "colour.txt").write_text("red\ngreen\n\ndark __shade__ blue\n", "utf-8")
    (checkout / "wildcards" / "shade.txt").write_text("sea\nnight\n", "utf-8")
    with demo_host(checkout=checkout) as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    return Client(host.url)


def expanded(client: Client, **fields: Any) -> list[dict[str, Any]]:
    response = client.post("/v1/tools/expand-prompt", json=fields)
    assert response.status_code == 200, response.text
    images: list[dict[str, Any]] = response.json()["images"]
    return images


@pytest.mark.parametrize("case", CASES)
def test_it_shows_what_the_engine_encodes(client: Client, case: str) -> None:
    record = client.draw(**{**CASES[case], "image_seed": 2**62})
    fields = {"style_selections": [], **CASES[case], "image_seed": str(2**62)}
    shown = expanded(client, **fields, performance_selection="Speed")
    assert len(shown) == len(record["images"])
    for image, prompt in zip(record["images"], shown, strict=True):
        logged, info = image["metadata"], client.image(image["url"]).info
        assert prompt["seed_text"] == image["seed_text"]
        assert "\n".join(prompt["prompt_lines"]) == logged["prompt"]
        assert "\n".join(prompt["negative_lines"]) == logged["negative_prompt"]
        assert prompt["expansion"] == logged["prompt_expansion"]
        loras = [value for name, value in logged.items() if name.startswith("lora_combined_")]
        assert [f"{lora['model_name']} : {lora['weight']}" for lora in prompt["loras"]] == loras
        embedded = json.loads(info["parameters"])
        assert prompt["positive"] == embedded["full_prompt"]
        assert prompt["negative"] == embedded["full_negative_prompt"]


def test_a_performance_adds_its_lora(client: Client) -> None:
    for name, lora, weight in (
        ("Lightning", "sdxl_lightning_4step_lora.safetensors", 1.0),
        ("Hyper-SD", "sdxl_hyper_sd_4step_lora.safetensors", 0.8),
    ):
        (image,) = expanded(client, prompt="a", performance_selection=name, loras=[])
        assert image["loras"] == [{"model_name": lora, "weight": weight}]


def test_only_the_expansion_waits_for_its_turn(client: Client) -> None:
    running = client.submit(prompt="long", overwrite_step=200)["task_id"]
    client.until(running, "running")
    v2 = ["Fooocus V2", "Fooocus Sharp"]
    (plain,) = expanded(client, prompt="a boat", style_selections=["Fooocus Sharp"])
    assert plain["expansion"] == "" and plain["positive"] == ["a boat, crisp, in focus"]
    (without,) = expanded(client, prompt="a boat", style_selections=v2, expansion=False)
    assert without["expansion"] is None and without["styles"] == v2
    assert client.task(running)["task_status"] == "running"
    (image,) = expanded(client, prompt="a boat", style_selections=v2)
    assert image["expansion"].startswith("a boat, ")
    assert client.ended(running)["task_status"] == "finished"


def test_the_expansion_works_after_an_unload(client: Client) -> None:
    assert client.post("/v1/engine/unload").status_code == 200
    (image,) = expanded(client, prompt="a boat", style_selections=["Fooocus V2"], image_seed=3)
    again = client.draw(prompt="a boat", style_selections=["Fooocus V2"], image_seed=3)
    assert image["expansion"] == again["images"][0]["metadata"]["prompt_expansion"]


def test_wrong_fields_are_named(client: Client) -> None:
    for fields, field in (
        ({"style_selections": ["none such"]}, "style_selections"),
        ({"image_number": 0}, "image_number"),
        ({"prompt": "<lora:none:1>"}, "prompt"),
        ({"loras": [{"model_name": "none"}]}, "loras[0].model_name"),
        ({"expansion": "perhaps"}, "expansion"),
    ):
        response = client.post("/v1/tools/expand-prompt", json=fields)
        assert response.status_code == 422 and response.json()["errors"][0]["field"].startswith(field), response.text
    ignored = client.post("/v1/tools/expand-prompt", json={"prompt": "a", "promt": "b"})
    assert ignored.headers["X-Ignored-Fields"] == "promt"


def test_a_random_seed_is_shown(client: Client) -> None:
    (first,), (second,) = (expanded(client, prompt="a boat", expansion=False) for _ in "12")
    assert first["seed"] != second["seed"] and first["seed_text"] == str(first["seed"])
