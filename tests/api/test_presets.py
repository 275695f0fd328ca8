"""Presets that the API writes and deletes, on a copy of the demo."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.support.client import QUICK, Client
from fooocus_api.tests.support.host import DEMO, ROOT, Host, demo_host
from fooocus_api.tests.support.sources.page_examples import PageExample, examples_of

FIELDS: dict[str, Any] = {
    "prompt": "a lighthouse",
    "negative_prompt": "people",
    "style_selections": ["Fooocus Sharp"],
    "performance_selection": "Quality",
    "image_number": 1,
    "sharpness": 5.5,
    "guidance_scale": 8.0,
    "adaptive_cfg": 5.0,
    "clip_skip": 1,
    "base_model_name": "demo_nightfall.safetensors",
    "refiner_model_name": "demo_daylight.safetensors",
    "refiner_switch": 0.7,
    "loras": [
        {"enabled": True, "model_name": "demo_warm_light.safetensors", "weight": 0.4},
        {"enabled": False, "model_name": "demo_dreamy_haze.safetensors", "weight": -1.0},
    ],
    "sampler_name": "euler",
    "scheduler_name": "simple",
    "vae_name": "demo_vivid_vae.safetensors",
    "overwrite_step": 3,
    "overwrite_switch": 2,
    "save_metadata_to_images": True,
    "inpaint_engine": "v2.5",
    "overwrite_width": 320,
    "overwrite_height": 256,
}
"""Every field that a preset can hold, none with its default."""
SHIPPED = ("default", "lightning", "nightfall")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    checkout = tmp_path_factory.mktemp("presets") / "checkout"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("__pycache__", "outputs", "temp", "config.txt"))
    with demo_host(checkout=checkout) as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    return Client(host.url)


def file_of(host: Host, name: str) -> Path:
    return host.checkout / "presets" / f"{name}.json"


def menu(client: Client) -> list[str]:
    """Return the choices of the menu on a page that is loaded now."""
    components = client.get("/config").json()["components"]
    (found,) = [one["props"] for one in components if one["props"].get("label") == "Preset"]
    return list(found["choices"])


def put(client: Client, name: str, status: int = 200, **fields: Any) -> Any:
    response = client.request("PUT", f"/v1/engines/presets/{name}", json=fields)
    assert response.status_code == status, response.text
    return response.json()


def generated(client: Client, **fields: Any) -> dict[str, Any]:
    """Generate with these fields alone, and return the parameters of the record."""
    response = client.post("/v1/engine/generate", json=fields)
    assert response.status_code == 200 and response.json()["task_status"] == "finished", response.text
    return dict(response.json()["req_params"])


def test_a_preset_is_written_read_used_replaced_and_deleted(client: Client, host: Host) -> None:
    made = put(client, "My look 2.0", 201, **FIELDS)
    assert made == {"name": "My look 2.0", "editable": True, "fields": FIELDS}
    assert client.get("/v1/engines/presets/My look 2.0").json() == made
    assert "My look 2.0" in client.get("/v1/engines/presets").json() and "My look 2.0" in menu(client)

    used = generated(client, preset="My look 2.0")
    assert {name: used[name] for name in FIELDS if name != "loras"} == {
        name: value for name, value in FIELDS.items() if name != "loras"
    }
    assert [(lora["model_name"], lora["weight"]) for lora in used["loras"] if lora["enabled"]] == [
        ("demo_warm_light.safetensors", 0.4)
    ]

    replaced = put(client, "My look 2.0", sharpness=4, aspect_ratios_selection="1024*1024", overwrite_step=1)
    assert replaced["fields"] == {"sharpness": 4, "aspect_ratios_selection": "1024*1024", "overwrite_step": 1}
    assert json.loads(file_of(host, "My look 2.0").read_text("utf-8")) == {
        "default_sample_sharpness": 4.0,
        "default_overwrite_step": 1,
        "default_aspect_ratio": "1024*1024",
        "created_by": "Fooocus API",
    }
    assert not [path for path in file_of(host, "x").parent.iterdir() if path.name.startswith(".")]

    assert client.request("DELETE", "/v1/engines/presets/My look 2.0").status_code == 204
    assert not file_of(host, "My look 2.0").exists() and "My look 2.0" not in menu(client)
    assert client.get("/v1/engines/presets/My look 2.0").status_code == 404
    refused = client.generate(preset="My look 2.0")
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "preset"


def test_a_request_overrides_its_preset(client: Client) -> None:
    put(client, "soft", 201, sharpness=1, prompt="a mill")
    used = generated(client, **{**QUICK, "preset": "soft", "prompt": "a barn"})
    assert (used["prompt"], used["sharpness"]) == ("a barn", 1)


def test_names_and_sizes_are_written_as_the_host_spells_them(client: Client, host: Host) -> None:
    (host.checkout / "models" / "loras" / "below").mkdir()
    source = host.checkout / "models" / "loras" / "demo_warm_light.safetensors"
    shutil.copyfile(source, source.parent / "below" / "copy.safetensors")
    fields = put(
        client,
        "spelling",
        201,
        aspect_ratios_selection="1:1",
        loras=[{"model_name": "below\\copy.safetensors", "weight": 1}],
    )["fields"]
    assert fields["aspect_ratios_selection"] == "1024*1024"
    assert fields["loras"][0]["model_name"] == str(Path("below", "copy.safetensors"))
    odd = put(client, "spelling", aspect_ratios_selection="640x384")["fields"]
    assert odd == {"overwrite_width": 640, "overwrite_height": 384}
    assert put(client, "spelling", overwrite_width=-1, overwrite_height=0)["fields"] == {}


def test_a_preset_without_fields_changes_nothing(client: Client) -> None:
    assert put(client, "empty", 201) == {"name": "empty", "editable": True, "fields": {}}
    assert generated(client, **{**QUICK, "preset": "empty"})["preset"] == "empty"


@pytest.mark.parametrize("name", [*SHIPPED, "initial"])
def test_presets_of_fooocus_stay(client: Client, host: Host, name: str) -> None:
    before = file_of(host, name).read_bytes() if name != "initial" else b""
    for method, arguments in (("PUT", {"json": {"sharpness": 4}}), ("DELETE", {})):
        response = client.request(method, f"/v1/engines/presets/{name}", **arguments)
        assert response.status_code == 409 and response.json()["code"] == "preset_protected"
    shown = client.get(f"/v1/engines/presets/{name}").json()
    assert shown["editable"] is False and (name == "initial") == (shown["fields"] == {})
    assert name == "initial" or file_of(host, name).read_bytes() == before


@pytest.mark.parametrize("content", ["{", "[]", '"created_by"', '{"default_prompt": "by hand"}', "[" * 100_000])
def test_presets_of_the_user_stay(client: Client, host: Host, content: str) -> None:
    file_of(host, "by hand").write_text(content, "utf-8")
    response = client.request("PUT", "/v1/engines/presets/by hand", json={})
    assert response.status_code == 409
    assert client.request("DELETE", "/v1/engines/presets/by hand").status_code == 409
    assert file_of(host, "by hand").read_text("utf-8") == content


@pytest.mark.parametrize(
    "name",
    [
        "a.json",
        "a.JSON.b",
        ".hidden",
        "end.",
        "con",
        "NUL.1",
        "a:b",
        "a*",
        "猫",
        "-a",
        "a" * 65,
        "a%00b",
        "a%0ab",
    ],
)
def test_other_names_are_refused(client: Client, host: Host, name: str) -> None:
    before = sorted(path.name for path in file_of(host, "x").parent.iterdir())
    response = client.request("PUT", f"/v1/engines/presets/{name}", json={})
    assert response.status_code == 422
    assert [(one["field"], one["code"]) for one in response.json()["errors"]] == [("name", "invalid_format")]
    assert sorted(path.name for path in file_of(host, "x").parent.iterdir()) == before


def test_a_name_that_differs_in_case_alone_is_refused(client: Client) -> None:
    for name in ("Default", "INITIAL"):
        response = client.request("PUT", f"/v1/engines/presets/{name}", json={})
        (error,) = response.json()["errors"]
        assert (error["code"], error["allowed"]) == ("conflict", [name.lower()])


@pytest.mark.parametrize("name", ["none such", "..", "..%2fdefault", "%2e%2e%2f%2e%2e%2fconfig"])
def test_unknown_presets_are_not_found(client: Client, name: str) -> None:
    for method in ("GET", "DELETE"):
        response = client.request(method, f"/v1/engines/presets/{name}")
        assert response.status_code == 404
        if name == "none such":
            assert response.json()["code"] == "preset_not_found" and response.json()["nearest"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"sharpness": 99}, "sharpness", "out_of_range"),
        ({"sharpness": "very"}, "sharpness", "wrong_type"),
        ({"sharpness": None}, "sharpness", "wrong_type"),
        ({"sampler_name": "eulerr"}, "sampler_name", "unknown_value"),
        ({"base_model_name": "none.safetensors"}, "base_model_name", "unknown_value"),
        ({"style_selections": ["Sharp"]}, "style_selections[0]", "unknown_value"),
        ({"loras": [{"model_name": "none.safetensors"}]}, "loras[0].model_name", "unknown_value"),
        ({"loras": [{"strength": 1}]}, "loras[0].strength", "unknown_field"),
        ({"loras": [{"model_name": "None"}] * 6}, "loras", "wrong_count"),
        ({"prompt": "a" * 20_001}, "prompt", "too_long"),
        ({"aspect_ratios_selection": "wide"}, "aspect_ratios_selection", "invalid_format"),
        ({"overwrite_width": 512}, "overwrite_width", "needs_field"),
        ({"overwrite_width": 8, "overwrite_height": 512}, "overwrite_width", "out_of_range"),
        ({"uov_method": "Disabled"}, "uov_method", "no_effect"),
        ({"image_seed": 1}, "image_seed", "no_effect"),
        ({"preset": "default"}, "preset", "no_effect"),
        ({"sharpnes": 1}, "sharpnes", "unknown_field"),
        ({"default_sampler": "euler"}, "default_sampler", "unknown_field"),
        ({"checkpoint_downloads": {"a": "https://example.com/a"}}, "checkpoint_downloads", "unknown_field"),
        ({"lora_downloads": {}}, "lora_downloads", "unknown_field"),
        ({"created_by": "me"}, "created_by", "unknown_field"),
    ],
)
def test_wrong_fields_are_refused_by_name(client: Client, host: Host, body: Any, field: str, code: str) -> None:
    response = client.request("PUT", "/v1/engines/presets/wrong", json=body)
    assert response.status_code == 422, response.text
    assert [(one["field"], one["code"]) for one in response.json()["errors"]] == [(field, code)]
    assert not file_of(host, "wrong").exists()


def test_other_bodies_and_parameters_are_refused(client: Client) -> None:
    for body in ("[]", '"a"', "{", '{"sharpness": 1, "sharpness": 2}', ""):
        headers = {"Content-Type": "application/json"}
        assert client.request("PUT", "/v1/engines/presets/other", data=body, headers=headers).status_code == 422
    for method in ("PUT", "DELETE"):
        response = client.request(method, "/v1/engines/presets/other", params={"overwrite": "true"}, json={})
        assert response.status_code == 422 and response.json()["errors"][0]["code"] == "unknown_field"


def test_a_full_folder_takes_no_more(client: Client, host: Host) -> None:
    folder = file_of(host, "x").parent
    files = [folder / f"filler {number}.json" for number in range(1000)]
    for file in files:
        file.write_text("{}", "utf-8")
    response = client.request("PUT", "/v1/engines/presets/one more", json={})
    for file in files:
        file.unlink()
    assert [(one["field"], one["code"]) for one in response.json()["errors"]] == [("name", "wrong_count")]


def test_presets_survive_a_restart(client: Client, host: Host) -> None:
    put(client, "lasting", 201, sharpness=7)
    host.stop()
    host.start()
    assert client.get("/v1/engines/presets/lasting").json()["editable"] is True and "lasting" in menu(client)
    assert client.request("DELETE", "/v1/engines/presets/lasting").status_code == 204


EXAMPLES = [example for name in ("presets", "presets_zh") for example in examples_of(ROOT / "docs" / f"{name}.md")]
ADDRESS = "http://127.0.0.1:7865"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.page.stem}-{example.language}")
def test_the_examples_of_the_page_run(client: Client, example: PageExample, capsys: pytest.CaptureFixture[str]) -> None:
    code = example.code.replace(ADDRESS, client.url)
    if example.language == "python":
        exec(compile(code, example.page.name, "exec"), {})
        assert capsys.readouterr().out == "4.0\n" and "shop" in menu(client)
        return
    for command in code.splitlines():
        assert command.startswith("curl ")
        subprocess.run(f"{command} --fail -s", shell=True, check=True, capture_output=True)
    assert "shop" not in menu(client)
