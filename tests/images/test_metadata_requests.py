"""Requests made of parameters in files, on a demo host with more models: each is accepted, and generates the image again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client, Record
from fooocus_api.tests.support.fakes import metadata_files as files
from fooocus_api.tests.support.host import DEMO, Host

READ = "/v1/tools/read-metadata"
ALL = {
    "fooocus 2.2": files.by_fooocus(files.fooocus_text("2.2.0"), "fooocus"),
    "fooocus 2.5": files.by_fooocus(files.fooocus_text("2.5.5"), "fooocus", "JPEG"),
    "a1111 2.2": files.by_fooocus(files.a1111_line("2.2.0"), "a1111"),
    "a1111 2.5": files.by_fooocus(files.a1111_line("2.5.5"), "a1111", "WEBP"),
    "FooocusPlus": files.png({"Comment": json.dumps(files.plus_values())}),
    "RuinedFooocus": files.png({"parameters": json.dumps(files.RUINED)}),
    "Fooocus-MRE": files.png({"Comment": json.dumps(files.MRE)}),
    "InvokeAI": files.png({"invokeai_metadata": json.dumps(files.INVOKE)}),
    "A1111": files.png({"parameters": files.A1111}),
    "old A1111": files.png({"parameters": files.OLD_A1111}),
    "Forge": files.png({"parameters": files.FORGE}),
    "Civitai": files.png({"parameters": files.CIVITAI}),
    "SD.Next": files.png({"parameters": files.SD_NEXT}),
}
Answer = dict[str, Any]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a demo checkout with two more models and LoRAs, of which two have one name in two folders."""
    folder = tmp_path_factory.mktemp("checkout") / "Fooocus"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("outputs", "__pycache__", "config*.txt", "*.log"))
    checkpoints, loras = folder / "models" / "checkpoints", folder / "models" / "loras"
    for path in (
        checkpoints / "sdxl" / "v1.5_sea.safetensors",
        checkpoints / "a" / "twin.ckpt",
        checkpoints / "bb" / "twin.ckpt",
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((checkpoints / "demo_daylight.safetensors").read_bytes() + b" " * len(str(path)))
    shutil.copy(loras / "demo_warm_light.safetensors", loras / "light_1.0.safetensors")
    return folder


@pytest.fixture(scope="module")
def host(checkout: Path) -> Iterator[Host]:
    with Host(checkout, flags=("--disable-in-browser", "--disable-analytics", "--demo-step-ms", "0")) as host:
        yield host


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    return Client(host.url)


def read(client: Client, content: bytes, **form: Any) -> Answer:
    answer = client.post(READ, files={"image": ("a.png", content)}, **form)
    assert answer.status_code == 200, answer.text
    return answer.json()


def of_text(client: Client, text: str) -> Answer:
    answer = client.post(READ, json={"text": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


def changed(client: Client, **changes: Any) -> Answer:
    """Return the answer about Fooocus's object with other values."""
    return of_text(client, files.fooocus_text("2.5.5", **changes))


def accepted(client: Client, answer: Answer) -> Record:
    """Post the request, check that the host takes all of it, and stop the task."""
    record = client.post("/v1/engine/generate/", json={**answer["request"], "async_process": True})
    assert record.status_code == 200 and "X-Ignored-Fields" not in record.headers, record.text
    client.post(f"/tasks/{record.json()['task_id']}/stop")
    return record.json()


def unmapped(answer: Answer) -> set[str]:
    return {one["name"] for one in answer["unmapped"]}


@pytest.mark.parametrize("kind", ALL)
def test_each_request_is_accepted_by_the_host(client: Client, kind: str) -> None:
    answer = read(client, ALL[kind])
    request = answer["request"]
    assert request["image_seed"] == str(files.SEED) and request["image_number"] == 1
    assert request["aspect_ratios_selection"] == "1152*896" and request["prompt"] == files.PROMPT + (
        "\nsecond line" if kind == "A1111" else ""
    )
    assert accepted(client, answer)["req_params"]["image_seed"] == files.SEED


@pytest.mark.parametrize("kind", ["fooocus 2.2", "fooocus 2.5", "FooocusPlus", "Fooocus-MRE", "RuinedFooocus"])
def test_models_are_found_by_their_stems(client: Client, kind: str) -> None:
    answer = read(client, ALL[kind])
    assert answer["request"]["base_model_name"] == "demo_daylight.safetensors"
    assert answer["request"]["loras"] == [{"enabled": True, "model_name": "demo_warm_light.safetensors", "weight": 0.4}]
    assert {(one["field"], one["match"] in ("stem", "exact")) for one in answer["models"]} >= {
        ("base_model_name", True),
        ("loras", True),
    }


def test_values_of_fooocus_are_fields_of_the_request(client: Client) -> None:
    request = changed(client, steps=17, freeu="(1.1, 1.2, 0.9, 0.8)", adaptive_cfg=5, refiner_model="demo_nightfall")[
        "request"
    ]
    assert {
        "negative_prompt": files.NEGATIVE,
        "style_selections": ["Fooocus Sharp"],
        "performance_selection": "Speed",
        "overwrite_step": 17,
        "guidance_scale": 5.5,
        "sharpness": 3.5,
        "adm_scaler_positive": 1.4,
        "adm_scaler_negative": 0.7,
        "adm_scaler_end": 0.2,
        "sampler_name": "euler",
        "scheduler_name": "simple",
        "vae_name": "Default (model)",
        "clip_skip": 2,
        "freeu_enabled": True,
        "freeu_b1": 1.1,
        "freeu_s2": 0.8,
        "adaptive_cfg": 5,
        "refiner_model_name": "demo_nightfall.safetensors",
        "refiner_switch": 0.5,
    }.items() <= request.items()
    assert "overwrite_step" not in changed(client)["request"]


def test_a_few_step_performance_brings_its_own_settings(client: Client) -> None:
    lora = "sdxl_lightning_4step_lora"
    answer = changed(
        client,
        performance="Lightning",
        steps=4,
        lora_combined_2=f"{lora} : 1.0",
        sampler="euler",
        scheduler="sgm_uniform",
    )
    request = answer["request"]
    assert request["performance_selection"] == "Lightning" and len(request["loras"]) == 1
    assert {"sampler_name", "scheduler_name", "guidance_scale", "sharpness", "overwrite_step"}.isdisjoint(request)
    assert "loras" not in unmapped(answer)


@pytest.mark.parametrize(("version", "skip"), [("2.5.5", 1), ("2.4.0", 1), ("2.3.1", 2)])
def test_a_file_without_clip_skip_has_that_of_its_version(client: Client, version: str, skip: int) -> None:
    text = files.fooocus_text(version, clip_skip=None)
    assert of_text(client, text)["request"]["clip_skip"] == skip


def test_sizes_that_are_not_listed_become_width_and_height(client: Client) -> None:
    answer = changed(client, resolution="(1000, 720)")
    request = answer["request"]
    assert (request["overwrite_width"], request["overwrite_height"]) == (1000, 720)
    assert any("none of this host's sizes" in one for one in answer["warnings"])
    assert "aspect_ratios_selection" in unmapped(changed(client, resolution="(9000, 16)"))


def test_a_picture_of_another_size_was_made_of_an_image(client: Client) -> None:
    [warning] = [one for one in read(client, ALL["fooocus 2.5"])["warnings"] if "pixels" in one]
    assert "64x48" in warning and "1152x896" in warning


def test_names_that_the_host_lacks_are_left_out_by_name(client: Client) -> None:
    answer = changed(
        client,
        base_model="gone",
        vae="gone_vae",
        refiner_model="gone_refiner",
        lora_combined_2="gone_lora : 0.5",
        styles="['Fooocus Sharp', 'gone style']",
        sampler="gone_sampler",
        scheduler="gone_scheduler",
        performance="Gone",
        lora_combined_3="demo_dreamy_haze : 9.5",
    )
    values = {(one["name"], one["value"]) for one in answer["unmapped"] if isinstance(one["value"], str)}
    assert values == {
        ("base_model_name", "gone"),
        ("vae_name", "gone_vae"),
        ("refiner_model_name", "gone_refiner"),
        ("loras", "gone_lora"),
        ("style_selections", "gone style"),
        ("sampler_name", "gone_sampler"),
        ("scheduler_name", "gone_scheduler"),
        ("performance_selection", "Gone"),
    }
    [weight] = [one for one in answer["unmapped"] if isinstance(one["value"], dict)]
    assert weight["name"] == "loras" and weight["value"]["weight"] == 9.5
    assert answer["request"]["style_selections"] == ["Fooocus Sharp"]
    accepted(client, answer)


def test_too_many_loras_are_named(client: Client) -> None:
    tags = " ".join(f"<lora:{name}:0.5>" for name in ("demo_warm_light", "demo_dreamy_haze", "light_1.0", "nowhere"))
    answer = of_text(client, files.OLD_A1111.replace(files.PROMPT, f"{files.PROMPT} {tags} <lora:x:y> <lyco:z"))
    assert [lora["model_name"] for lora in answer["request"]["loras"]] == [
        "demo_warm_light.safetensors",
        "demo_dreamy_haze.safetensors",
        "light_1.0.safetensors",
    ]
    assert answer["request"]["prompt"] == files.PROMPT
    assert {one["value"] for one in answer["unmapped"]} == {"nowhere", "x"}


def test_a_name_of_several_files_is_ambiguous(client: Client) -> None:
    answer = changed(client, base_model="twin")
    [model] = [one for one in answer["models"] if one["field"] == "base_model_name"]
    assert (model["match"], model["file"]) == ("ambiguous", None)
    assert sorted(Path(file).as_posix() for file in model["candidates"]) == ["a/twin.ckpt", "bb/twin.ckpt"]
    assert "base_model_name" not in answer["request"] and any("any of" in one for one in answer["warnings"])


@pytest.mark.parametrize("name", ["v1.5_sea", "sdxl_v1.5_sea", "v1.5_sea.ckpt"])
def test_a_stem_may_have_dots_and_its_folder(client: Client, name: str) -> None:
    answer = changed(client, base_model=name)
    assert Path(answer["request"]["base_model_name"]).as_posix() == "sdxl/v1.5_sea.safetensors"


def test_a_model_is_found_by_its_hash_first(client: Client) -> None:
    drawn = client.draw(prompt="a lamp", base_model_name="bb/twin.ckpt", overwrite_width=64, overwrite_height=64)
    answer = client.post(READ, json={"image": drawn["result"][0]}).json()
    [model] = [one for one in answer["models"] if one["field"] == "base_model_name"]
    assert (model["name"], model["match"]) == ("twin", "hash") and len(model["hash"]) == 10
    assert Path(answer["request"]["base_model_name"]).as_posix() == "bb/twin.ckpt"
    renamed = changed(client, base_model="another name", base_model_hash=model["hash"] + "0" * 54)
    assert Path(renamed["request"]["base_model_name"]).as_posix() == "bb/twin.ckpt"


def test_another_version_of_a_model_is_noticed(client: Client) -> None:
    client.draw(prompt="a lamp", base_model_name="demo_nightfall.safetensors")
    answer = changed(client, base_model="demo_nightfall", base_model_hash="0" * 10)
    assert any("another hash" in one for one in answer["warnings"])


@pytest.mark.parametrize(
    ("styles", "warns"),
    [(["Fooocus V2", "Fooocus Enhance", "Fooocus Sharp"], False), (["Fooocus Sharp"], False), ([], False)],
)
def test_styles_are_recognised_by_their_texts(client: Client, styles: list[str], warns: bool) -> None:
    drawn = client.draw(
        prompt="a kite\nabove dunes",
        negative_prompt="rain",
        style_selections=styles,
        metadata_scheme="a1111",
        image_seed=5,
    )
    answer = client.post(READ, json={"image": drawn["result"][0]}).json()
    assert answer["scheme"] == "a1111" and "styles" not in answer["parameters"]
    assert sorted(answer["request"]["style_selections"]) == sorted(styles)
    assert answer["request"]["prompt"] == "a kite\nabove dunes" and answer["request"]["negative_prompt"] == "rain"
    assert any("styles" in one for one in answer["warnings"]) is warns


def test_texts_of_unknown_styles_are_named(client: Client) -> None:
    answer = of_text(client, files.a1111_line("2.5.5"))
    assert "style_selections" in unmapped(answer) and any("full_prompt" in one for one in answer["warnings"])


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("scheme", ["fooocus", "a1111"])
def test_an_image_of_this_host_is_generated_again(client: Client, scheme: str, image_format: str) -> None:
    fields = {
        "prompt": "a red kite, over dunes",
        "style_selections": ["Fooocus V2", "Fooocus Sharp"],
        "loras": [{"model_name": "demo_dreamy_haze.safetensors", "weight": 0.7}],
        "image_seed": str(2**63 - 1),
        "metadata_scheme": scheme,
        "output_format": image_format,
        "sampler_name": "dpmpp_2m_sde_gpu",
        "clip_skip": 3,
        "guidance_scale": 6.5,
        "performance_selection": "Speed",
        "overwrite_step": 2,
    }
    drawn = client.draw(**fields)
    answer = client.post(READ, json={"image": drawn["result"][0]}).json()
    assert (answer["scheme"], answer["unmapped"]) == (scheme, [])
    again = client.post("/v1/engine/generate/", json={**answer["request"], "output_format": image_format}).json()
    pictures = [client.image(record["result"][0]).convert("RGB").tobytes() for record in (drawn, again)]
    assert pictures[0] == pictures[1]
    assert {
        name: again["req_params"][name] for name in fields if name not in ("image_seed", "loras", "metadata_scheme")
    } == {name: value for name, value in fields.items() if name not in ("image_seed", "loras", "metadata_scheme")}
