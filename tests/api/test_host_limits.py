"""Limits, defaults and arguments of the running host: the allowed values of a request, and the values of presets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.hosts.forks import fork_checkout, write_config, write_preset
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

LORA = "demo_warm_light.safetensors"
BEYOND: dict[str, dict[str, Any]] = {
    "strong-lora": {"default_loras": [[True, LORA, 3.0]]},
    "weak-guidance": {"default_cfg_scale": 0.5},
    "many-images": {"default_image_number": 40},
    "text": {"default_cfg_scale": "0.5", "default_sample_sharpness": "as sharp as can be"},
    "large": {"default_aspect_ratio": "2560*1440"},
    "square": {"default_aspect_ratio": "1280x1280"},
    "no-lora": {"default_loras": [[True], "lora", [True, LORA, "strong"], [True, LORA, 0.4], [True, "gone", 1]]},
    "no-image": {"default_image_number": 0},
    "no-ratio": {"default_aspect_ratio": "16:9"},
    "unknown": {
        "default_styles": ["Fooocus V2", "No Such Style"],
        "default_sampler": "no_such_sampler",
        "default_vae": "no_such.vae",
        "default_inpaint_engine_version": "v99",
    },
}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Yield a host whose config.txt allows more than the wire format: weights to ±10, and a default of 3.5."""
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("wide") / "demo")
    write_config(
        checkout,
        default_loras_max_weight=10,
        default_loras_min_weight=-10,
        default_loras=[[True, LORA, 3.5], [True, "None", 1.0]],
        default_max_image_number=50,
    )
    for name, values in BEYOND.items():
        write_preset(checkout, name, **values)
    with demo_host("--demo-null", "64x64", step_ms=0, checkout=checkout) as host:
        yield host


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with demo_host(step_ms=0, checkout=fork_checkout(tmp_path_factory.mktemp("fork") / "demo")) as host:
        yield host


def test_a_default_beyond_the_wires_range_starts_the_api_and_is_taken(wide: Host) -> None:
    client = Client(wide.url)
    assert client.get("/v1/info").json()["supported"] is True
    record = client.draw(prompt="x")
    assert record["req_params"]["loras"][0] == {"enabled": True, "model_name": LORA, "weight": 3.5}
    assert 'weight": 3.5' in json.dumps(client.get("/v1/openapi.json").json())
    again = client.draw(**{k: v for k, v in record["req_params"].items() if v is not None})
    assert again["req_params"]["loras"] == record["req_params"]["loras"]


@pytest.mark.parametrize("weight", [10, -10, 6])
def test_a_wider_host_takes_more(wide: Host, weight: float) -> None:
    record = Client(wide.url).draw(prompt="x", loras=[{"model_name": LORA, "weight": weight}])
    assert record["req_params"]["loras"][0]["weight"] == weight


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"loras": [{"model_name": LORA, "weight": 10.5}]}, "loras[0].weight"),
        ({"loras": [{"model_name": LORA}, {"model_name": LORA, "weight": -11}]}, "loras[1].weight"),
        ({"image_number": 51}, "image_number"),
    ],
)
def test_beyond_the_hosts_limit_is_named(wide: Host, fields: dict[str, Any], named: str) -> None:
    answer = Client(wide.url).generate(**fields)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [named]


def test_the_hosts_limits_are_in_the_schema(wide: Host) -> None:
    schemas = Client(wide.url).get("/v1/openapi.json").json()["components"]["schemas"]
    weight = schemas["Lora"]["properties"]["weight"]
    assert (weight["minimum"], weight["maximum"]) == (-10, 10)
    assert schemas["CommonRequest"]["properties"]["image_number"]["maximum"] == 50


def test_a_narrower_host_does_not_narrow_the_wire(tmp_path: Path) -> None:
    checkout = copy_checkout(DEMO, tmp_path / "demo")
    write_config(checkout, default_max_image_number=4, default_loras_max_weight=1)
    with demo_host("--demo-null", "64x64", step_ms=0, checkout=checkout) as host:
        client = Client(host.url)
        record = client.draw(prompt="x", image_number=32, loras=[{"model_name": LORA, "weight": 2}])
        assert len(record["result"]) == 32
        assert client.generate(image_number=33).status_code == 422


@pytest.mark.parametrize(
    ("preset", "field", "value"),
    [
        ("strong-lora", "loras", 3.0),
        ("weak-guidance", "guidance_scale", 0.5),
        ("many-images", "image_number", 40),
        ("text", "guidance_scale", 0.5),
        ("large", "overwrite_width", 2560),
    ],
)
def test_a_preset_is_taken_as_it_is(wide: Host, preset: str, field: str, value: float) -> None:
    sent = {"prompt": "x", "preset": preset, "performance_selection": "Lightning"}
    record = Client(wide.url).post("/v1/engine/generate", json=sent).json()
    found = record["req_params"][field]
    assert (found[0]["weight"] if field == "loras" else found) == value
    assert record["req_params"]["sharpness"] == 2.0


def test_what_a_client_sends_beside_a_preset_is_checked(wide: Host) -> None:
    answer = Client(wide.url).generate(preset="weak-guidance", sharpness=31)
    assert [error["field"] for error in answer.json()["errors"]] == ["sharpness"]


# ------------------------------------------------------------------ a fork's own arguments


def test_a_forks_arguments_are_described_by_their_controls(fork: Host) -> None:
    properties = Client(fork.url).get("/v1/openapi.json").json()["components"]["schemas"]["CommonRequest"]["properties"]
    strength = properties["fork_strength"]
    assert (strength["minimum"], strength["maximum"], strength["default"]) == (0.5, 4, 1)
    assert "Strength of the detail" in strength["description"] and strength["type"] == "number"
    assert properties["face_restore_model"]["enum"] == ["none", "codeformer", "gfpgan"]
    assert properties["fork_swap"]["enum"] == ["now", "late"]
    assert properties["fork_vae"]["enum"] == ["None", "demo_vivid_vae.safetensors"]
    assert "enum" not in properties["fork_tag"] and properties["fork_tag"]["examples"] == ["a", "b"]
    assert properties["name_prefix"]["type"] == "string"
    assert "fork_file" not in properties and "fork_parts" not in properties
    assert "fork_new" not in properties, "its value decides how many arguments there are"


def test_a_forks_arguments_reach_its_task(fork: Host) -> None:
    client = Client(fork.url)
    sent = {
        "fork_strength": 2.5,
        "face_restore_model": "gfpgan",
        "fork_swap": "late",
        "fork_vae": "demo_vivid_vae.safetensors",
        "fork_tag": "of my own",
        "fork_place": "first",
        "name_prefix": "me",
    }
    record = client.draw(prompt="x", performance_selection="Lightning", **sent)
    assert {name: record["req_params"][name] for name in sent} == sent
    arrived = (False, 2.5, "gfpgan", "late", "demo_vivid_vae.safetensors", "of my own", 0, "me")
    assert f"[fork] {arrived!r}" in fork.log()
    client.draw(prompt="x", performance_selection="Lightning", fork_detail=True)
    assert f"[fork] {(True, 1, 'none', 'now', 'None', 'a', 1, '')!r}" in fork.log()


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({"face_restore_model": "gfpgun"}, ["gfpgan"]),
        ({"fork_swap": "at once"}, ["now", "late"]),
        ({"fork_vae": "demo_vivid.safetensors"}, ["demo_vivid_vae.safetensors"]),
        ({"fork_strength": 4.5}, None),
        ({"fork_detail": "perhaps"}, None),
    ],
)
def test_a_wrong_value_is_refused_by_name(fork: Host, fields: dict[str, Any], allowed: list[str] | None) -> None:
    answer = Client(fork.url).generate(**fields)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == next(iter(fields))
    if allowed is not None:
        assert set(allowed) <= set(error["allowed"])


def test_a_dropdown_is_checked_against_the_files_of_this_moment(fork: Host) -> None:
    client = Client(fork.url)
    vae = fork.checkout / "models" / "vae"
    (vae / "dropped_in.safetensors").write_bytes((vae / "demo_vivid_vae.safetensors").read_bytes())
    client.draw(prompt="x", performance_selection="Lightning", fork_vae="dropped_in.safetensors")
    assert "dropped_in.safetensors" in fork.log()


# ----------------------------------------------------------------------- a start that fails


def test_a_start_that_fails_says_so(tmp_path: Path) -> None:
    checkout = copy_checkout(DEMO, tmp_path / "demo")
    constants = checkout / "modules" / "constants.py"
    constants.write_text(constants.read_text("utf-8").replace("MAX_SEED", "SEED_LIMIT"), "utf-8")
    with demo_host(checkout=checkout) as host:
        client = Client(host.url)
        info = client.get("/v1/info").json()
        assert info["supported"] is False and "could not be built" in info["problem"], host.log()
        for path in ("/tasks", "/healthz", "/v1/engines/styles"):
            answer = client.get(path)
            assert answer.status_code == 503 and "could not be built" in answer.json()["detail"], path
        assert client.generate(prompt="x").status_code == 503
        assert "gradio_config" in client.get("/").text
        assert str(checkout) not in json.dumps(info)


@pytest.mark.parametrize(
    ("preset", "field", "value"),
    [
        ("square", "overwrite_width", 1280),
        ("no-lora", "loras", [{"enabled": True, "model_name": LORA, "weight": 0.4}]),
        ("no-image", "image_number", 1),
        ("no-ratio", "aspect_ratios_selection", "1152*896"),
        ("unknown", "style_selections", ["Fooocus V2"]),
        ("unknown", "sampler_name", "dpmpp_2m_sde_gpu"),
        ("unknown", "vae_name", "Default (model)"),
    ],
)
def test_what_is_of_no_use_in_a_preset_is_left_out(wide: Host, preset: str, field: str, value: Any) -> None:
    sent = {"prompt": "x", "preset": preset, "performance_selection": "Lightning"}
    answer = Client(wide.url).post("/v1/engine/generate", json=sent)
    assert answer.status_code == 200, answer.text
    assert answer.json()["req_params"][field] == value


def test_a_default_lora_whose_file_is_gone_is_skipped_as_fooocus_skips_it(tmp_path: Path) -> None:
    checkout = copy_checkout(DEMO, tmp_path / "demo")
    write_config(checkout, default_loras=[[True, LORA, 0.5], [True, "gone.safetensors", 0.5]])
    with demo_host("--demo-null", "64x64", step_ms=0, checkout=checkout) as host:
        client = Client(host.url)
        kept = [lora["model_name"] for lora in client.draw(prompt="x")["req_params"]["loras"]]
        assert kept == [LORA]
        default = client.get("/v1/openapi.json").json()["components"]["schemas"]["CommonRequest"]["properties"]["loras"]
        assert client.draw(prompt="x", loras=default["default"])["task_status"] == "finished"
        named = client.generate(loras=[{"model_name": "gone.safetensors", "weight": 0.9}])
        assert named.status_code == 422 and named.json()["errors"][0]["field"] == "loras[0].model_name"
