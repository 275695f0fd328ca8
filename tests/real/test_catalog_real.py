"""The catalog and presets of a real Fooocus: its styles with pictures, its models with hashes, its menu of presets."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import Client, picture

if TYPE_CHECKING:
    from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.real


def test_each_style_has_a_picture_and_its_templates(real: Host, real_client: Client) -> None:
    names = real_client.get("/v1/engines/styles").json()
    styles = {name: real_client.get(f"/v1/engines/styles/{name}").json() for name in names}
    assert [name for name, style in styles.items() if style["sample_url"] is None] == []
    computed = [name for name, style in styles.items() if style["prompt"] is None]
    assert computed == ["Fooocus V2", "Random Style"]
    written = json.loads((real.checkout / "sdxl_styles" / "sdxl_styles_fooocus.json").read_text("utf-8"))
    (sharp,) = [entry for entry in written if entry["name"] == "Fooocus Sharp"]
    assert (styles["Fooocus Sharp"]["prompt"], styles["Fooocus Sharp"]["negative_prompt"]) == (
        sharp["prompt"],
        sharp["negative_prompt"],
    )
    for name in (names[0], names[-1], "Fooocus Sharp"):
        response = real_client.get(styles[name]["sample_url"])
        assert response.headers["content-type"] == "image/jpeg" and picture(response.content).width > 0


def test_lists_are_those_of_the_webui(real: Host, real_client: Client) -> None:
    assert real_client.get("/v1/engines/refiner-swap-methods").json() == ["joint", "separate", "vae"]
    assert {"Left", "Right", "Top", "Bottom"} == set(real_client.get("/v1/engines/outpaint-directions").json())
    assert {"fooocus", "a1111"} == set(real_client.get("/v1/engines/metadata-schemes").json())
    types = {one["name"]: (one["stop"], one["weight"]) for one in real_client.get("/v1/engines/control-types").json()}
    assert types["FaceSwap"] == (0.9, 0.75) and types["PyraCanny"] == (0.5, 1.0)
    counts = {one["name"]: one["lines"] for one in real_client.get("/v1/engines/wildcards").json()}
    lines = (real.checkout / "wildcards" / "animal.txt").read_text("utf-8").splitlines()
    assert counts["animal"] == len([line for line in lines if line])


def test_a_model_has_its_hash_after_an_image_with_metadata(real: Host, real_client: Client) -> None:
    used = real_client.draw(save_metadata_to_images=True)["req_params"]["base_model_name"]
    (model,) = [
        one
        for one in real_client.get("/v1/engines/models", params={"kind": "checkpoint"}).json()
        if one["name"] == used
    ]
    content = (real.checkout / "models" / "checkpoints" / used).read_bytes()
    assert model["size"] == len(content) and model["hash"] == hashlib.sha256(content).hexdigest()[:10]


def test_a_preset_of_the_api_is_in_the_menu_and_works(real: Host, real_client: Client) -> None:
    def menu() -> list[str]:
        components = real_client.get("/config").json()["components"]
        (found,) = [one["props"] for one in components if one["props"].get("label") == "Preset"]
        return list(found["choices"])

    path, name = "/v1/engines/presets/of the api", "of the api"
    fields = {"sharpness": 7.5, "guidance_scale": 3.5, "sampler_name": "euler", "style_selections": ["Fooocus Sharp"]}
    assert name not in menu()
    try:
        assert real_client.request("PUT", path, json=fields).json()["fields"] == fields
        assert name in menu() and name in real_client.get("/v1/engines/presets").json()
        used = real_client.post(
            "/v1/engine/generate",
            json={
                "preset": name,
                "overwrite_width": 256,
                "overwrite_height": 256,
                "overwrite_step": 1,
                "performance_selection": "Lightning",
            },
        ).json()
        assert used["task_status"] == "finished"
        assert {field: used["req_params"][field] for field in fields} == fields
        assert real_client.request("PUT", "/v1/engines/presets/anime", json=fields).status_code == 409
    finally:
        assert real_client.request("DELETE", path).status_code == 204
    assert name not in menu() and not (real.checkout / "presets" / f"{name}.json").exists()
