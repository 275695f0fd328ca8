"""Lists of the names that a request may use, over HTTP on the demo host."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, demo_host


def test_all_models(client: Client) -> None:
    answer = client.get("/v1/engines/all-models")
    assert answer.status_code == 200
    assert answer.json() == {
        "model_filenames": ["demo_daylight.safetensors", "demo_nightfall.safetensors"],
        "lora_filenames": ["demo_dreamy_haze.safetensors", "demo_warm_light.safetensors"],
        "vae_filenames": ["demo_vivid_vae.safetensors"],
    }


@pytest.mark.parametrize(
    ("path", "field", "some"),
    [
        ("styles", "style_selections", "Fooocus V2"),
        ("presets", "preset", "nightfall"),
        ("samplers", "sampler_name", "dpmpp_2m_sde_gpu"),
        ("schedulers", "scheduler_name", "karras"),
        ("performances", "performance_selection", "Lightning"),
        ("aspect-ratios", "aspect_ratios_selection", "1024*1024"),
    ],
)
def test_each_list_has_what_requests_may_name(client: Client, path: str, field: str, some: str) -> None:
    names = client.get(f"/v1/engines/{path}").json()
    assert some in names and all(isinstance(name, str) for name in names)
    assert len(set(names)) == len(names)
    value: Any = [some] if field == "style_selections" else some
    assert client.generate(**{field: value}, async_process=True).status_code == 200
    wrong: Any = [f"not {some}"] if field == "style_selections" else f"not {some}"
    refused = client.generate(**{field: wrong})
    assert refused.status_code == 422
    assert set(refused.json()["errors"][0]["allowed"]) <= set(names)


def test_a_file_dropped_into_a_folder_shows_without_a_restart(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("__pycache__", "outputs", "temp", "config.txt"))
    with demo_host(checkout=checkout) as host:
        client = Client(host.url)
        before = client.get("/v1/engines/all-models").json()
        models = checkout / "models"
        (models / "checkpoints" / "below").mkdir()
        for folder, source, name in (
            ("checkpoints", "demo_daylight.safetensors", "below/new.safetensors"),
            ("loras", "demo_warm_light.safetensors", "new_lora.safetensors"),
            ("vae", "demo_vivid_vae.safetensors", "new_vae.safetensors"),
        ):
            shutil.copyfile(models / folder / source, models / folder / name)
        shutil.copyfile(checkout / "presets" / "nightfall.json", checkout / "presets" / "new.json")

        after = client.get("/v1/engines/all-models").json()
        new = {kind: [name for name in after[kind] if name not in before[kind]] for kind in after}
        assert new["lora_filenames"] == ["new_lora.safetensors"]
        assert new["vae_filenames"] == ["new_vae.safetensors"]
        assert [Path(name).as_posix() for name in new["model_filenames"]] == ["below/new.safetensors"]
        assert "new" in client.get("/v1/engines/presets").json()
        assert client.draw(base_model_name=new["model_filenames"][0])["task_status"] == "finished"

        (models / "loras" / "new_lora.safetensors").unlink()
        assert client.get("/v1/engines/all-models").json()["lora_filenames"] == before["lora_filenames"]


def test_the_examples_of_the_docs_can_be_sent_as_they_are(client: Client) -> None:
    operation = client.get("/v1/openapi.json").json()["paths"]["/v1/engine/generate/"]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    assert len(examples) == 2
    for name, example in examples.items():
        response = client.post("/v1/engine/generate/", json=example["value"])
        assert response.status_code == 200 and "X-Ignored-Fields" not in response.headers, name
        assert response.json()["task_status"] == "finished", name
    assert {parameter["name"] for parameter in operation["parameters"]} == {"idempotency-key", "prefer"}


def test_the_schema_lists_what_masks_may_be_made_with(client: Client) -> None:
    schema = client.get("/v1/openapi.json").json()
    properties = schema["components"]["schemas"]["MaskRequest"]["properties"]
    assert properties["mask_model"]["enum"][-1] == "sam"
    assert properties["cloth_category"]["enum"] == ["full", "upper", "lower"]
    assert properties["sam_model"]["enum"] == ["vit_b", "vit_l", "vit_h"]
    body = schema["paths"]["/v1/tools/describe-image"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "application/json"}
