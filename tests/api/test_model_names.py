"""Names of model files: either separator in fields, with or without folder in prompts; applied or refused, never ignored."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from fooocus_api.adapters.task_args.lora_prompts import with_tags_applied
from fooocus_api.api.validation.webui_names import sampler_and_scheduler
from fooocus_api.tasks.model.workload.lora_tags import LoraFiles, Tag, UnusableTag, rewritten, tags
from fooocus_api.tasks.model.workload.model_files import is_one_of, listed_as, native
from fooocus_api.tests.generation.test_features import DRAWN
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, demo_host
from fooocus_api.tests.support.hosts.forks import write_preset
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

MIST, HAZE = "SDXL/mist.safetensors", "demo_dreamy_haze.safetensors"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Yield a client of a host with models in subfolders, two LoRAs of one name, and wildcards."""
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("folders") / "demo")
    models = checkout / "models"
    for source, names in (
        (
            "loras/demo_warm_light.safetensors",
            [MIST, "SD15/twin.safetensors", "SDXL/twin.safetensors", "SDXL/a,b.safetensors"],
        ),
        (
            "loras/demo_dreamy_haze.safetensors",
            ["light.safetensors", "SDXL/light.safetensors", "v1.5-detail.safetensors"],
        ),
    ):
        for name in names:
            (models / "loras" / name).parent.mkdir(exist_ok=True)
            shutil.copy(models / source, models / "loras" / name)
    for source, name in (
        ("checkpoints/demo_nightfall.safetensors", "checkpoints/SDXL/night.safetensors"),
        ("vae/demo_vivid_vae.safetensors", "vae/SDXL/vivid.safetensors"),
    ):
        (models / name).parent.mkdir(exist_ok=True)
        shutil.copy(models / source, models / name)
    write_preset(
        checkout,
        "windows",
        default_model="SDXL\\night.safetensors",
        default_loras=[[True, "SDXL\\mist.safetensors", 0.5]],
        default_vae="SDXL\\vivid.safetensors",
        checkpoint_downloads={"SDXL\\night.safetensors": "http://127.0.0.1:9/night.safetensors"},
        lora_downloads={"SDXL\\mist.safetensors": "http://127.0.0.1:9/mist.safetensors"},
    )
    (checkout / "wildcards").mkdir(exist_ok=True)
    (checkout / "wildcards" / "place.txt").write_text("a lake\n__hidden__\n", encoding="utf-8")
    (checkout / "wildcards" / "hidden.txt").write_text("a hill\n<lora:mist:1> a sea\n", encoding="utf-8")
    (checkout / "wildcards" / "colour.txt").write_text("red\nblue\n__colour__\n", encoding="utf-8")
    with demo_host(step_ms=0, checkout=checkout) as host:
        yield Client(host.url)


def applied(record: dict[str, Any]) -> list[str]:
    """Return the LoRAs of the first image from the host's metadata."""
    metadata = record["images"][0]["metadata"]
    return [value for name, value in sorted(metadata.items()) if name.startswith("lora_combined_")]


# ------------------------------------------------------------------------------- separators


def test_both_separators_mean_the_same_model(client: Client) -> None:
    for sign in ("/", "\\"):
        record = client.draw(
            base_model_name=f"SDXL{sign}night.safetensors",
            refiner_model_name=f"SDXL{sign}night.safetensors",
            vae_name=f"SDXL{sign}vivid.safetensors",
            loras=[{"model_name": f"SDXL{sign}mist.safetensors", "weight": 0.5}],
            performance_selection="Speed",
        )
        parameters = record["req_params"]
        assert parameters["base_model_name"] == parameters["refiner_model_name"] == "SDXL/night.safetensors"
        assert parameters["vae_name"] == "SDXL/vivid.safetensors" and parameters["loras"][0]["model_name"] == MIST
        assert applied(record) == [f"{MIST} : 0.5"]
        for other in ("/", "\\"):
            found = client.tasks(model=f"SDXL{other}night.safetensors")["history"]
            assert record["task_id"] in {one["task_id"] for one in found}


def test_a_presets_names_mean_the_same_and_nothing_is_downloaded_that_is_there(client: Client) -> None:
    record = client.draw(preset="windows")
    assert record["req_params"]["base_model_name"] == "SDXL/night.safetensors"
    assert record["req_params"]["vae_name"] == "SDXL/vivid.safetensors"
    assert applied(record) == [f"{MIST} : 0.5"]


@pytest.mark.parametrize("name", ["SDXL\\none.safetensors", "..\\SDXL\\night.safetensors", "\\", "/", "SDXL/"])
def test_what_is_not_there_is_refused_with_either(client: Client, name: str) -> None:
    wrong: list[dict[str, Any]] = [{"base_model_name": name}, {"vae_name": name}, {"loras": [{"model_name": name}]}]
    for fields in wrong:
        assert client.generate(**fields).status_code == 422


def test_names_are_compared_as_paths_of_any_system() -> None:
    assert native("a/b\\c", "\\") == "a\\b\\c" and native("a/b\\c", "/") == "a/b/c"
    windows = ["None", "SDXL\\night.safetensors", "day.safetensors"]
    assert listed_as("SDXL/night.safetensors", windows) == "SDXL\\night.safetensors"
    assert listed_as("SDXL\\night.safetensors", ["SDXL/night.safetensors"]) == "SDXL/night.safetensors"
    assert listed_as("night.safetensors", windows) is None and listed_as("x/day.safetensors", windows) is None
    for path in (
        PurePosixPath("/models/loras/SDXL/mist.safetensors"),
        PureWindowsPath("C:\\m\\SDXL\\mist.safetensors"),
    ):
        assert is_one_of("SDXL\\mist.safetensors", [path]) and is_one_of("mist.safetensors", [path])
        assert not is_one_of("SD15/mist.safetensors", [path]) and not is_one_of("", [path])


# ------------------------------------------------------------------------------ in prompts


@pytest.mark.parametrize(
    ("prompt", "lora"),
    [
        ("<lora:SDXL/mist:0.7> cat", f"{MIST} : 0.7"),
        ("<lora:SDXL\\mist:0.7> cat", f"{MIST} : 0.7"),
        ("<lora:mist:0.7> cat", f"{MIST} : 0.7"),
        ("cat, <lora:SDXL/mist.safetensors:.7>", f"{MIST} : 0.7"),
        ("cat <lora:mist.safetensors:-0.7>", f"{MIST} : -0.7"),
        ("\n , \ncat\nin the rain <lora:mist:0.7>", f"{MIST} : 0.7"),
        ("cat\n<lora:SDXL/mist:0.7>", f"{MIST} : 0.7"),
        ("<lora:mist> cat", f"{MIST} : 1.0"),
        ("<LoRA: SDXL/mist : 0.7 > cat", f"{MIST} : 0.7"),
        ("<lora:light:0.7> cat", "light.safetensors : 0.7"),
        ("<lora:v1.5-detail:0.7> cat", "v1.5-detail.safetensors : 0.7"),
    ],
)
def test_a_lora_in_a_prompt_is_applied(client: Client, prompt: str, lora: str) -> None:
    record = client.draw(prompt=prompt, loras=[{"model_name": HAZE, "weight": 0.3}])
    assert applied(record) == [f"{HAZE} : 0.3", lora]
    logged = record["images"][0]["metadata"]["prompt"]
    assert "lora" not in logged.lower() and "cat" in logged
    assert record["req_params"]["prompt"] == prompt


def test_a_lora_behind_the_prompt_of_an_inpaint_is_applied(client: Client) -> None:
    fields = {
        **DRAWN["inpaint"],
        "inpaint_additional_prompt": "a hat",
        "prompt": "a cat <lora:SDXL/mist:0.7>",
        "loras": [],
    }
    record = client.draw(**fields)
    assert applied(record) == [f"{MIST} : 0.7"]
    assert record["images"][0]["metadata"]["prompt"] == "a hat\na cat"


@pytest.mark.parametrize(
    ("fields", "field", "allowed"),
    [
        ({"prompt": "<lora:SDXL/none:0.7>"}, "prompt", None),
        ({"prompt": "a cat\n<lora:none:1>"}, "prompt", None),
        ({"prompt": "<lora:twin:0.7>"}, "prompt", ["SD15/twin.safetensors", "SDXL/twin.safetensors"]),
        ({"prompt": "<lora:SDXL/light:0.7>"}, "prompt", ["SDXL/light.safetensors"]),
        ({"prompt": "<lora:SDXL/a,b:0.7>"}, "prompt", ["SDXL/a,b.safetensors"]),
        ({"prompt": "<lora:mist:strong>"}, "prompt", None),
        ({"prompt": "<lora:mist:0.5:0.7>"}, "prompt", None),
        ({"prompt": "<lora::0.7>"}, "prompt", None),
        ({"prompt": "<lora:__colour__:0.7>"}, "prompt", None),
        ({"prompt": "a cat at __place__"}, "prompt", None),
        ({"negative_prompt": "<lora:mist:0.7>"}, "negative_prompt", None),
        ({"prompt": "<lora:mist:0.7>", "loras": [{"model_name": MIST, "weight": 0.5}]}, "prompt", None),
        ({"prompt": "<lora:mist:1>\n<lora:light:1>", "loras": [{"model_name": HAZE}] * 4}, "prompt", None),
        (
            {
                "enhance_checkbox": True,
                "enhance_ctrls": [
                    {"enhance_enabled": True, "enhance_mask_model": "u2net", "enhance_prompt": "<lora:none:1>"}
                ],
            },
            "enhance_ctrls[0].enhance_prompt",
            None,
        ),
    ],
)
def test_what_would_be_dropped_is_refused(
    client: Client, fields: dict[str, Any], field: str, allowed: list[str] | None
) -> None:
    response = client.generate(**{"loras": [], **fields})
    assert response.status_code == 422, response.text
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert allowed is None or sorted(error["allowed"]) == sorted(allowed)


def test_a_wildcard_without_loras_and_one_that_leads_to_itself_are_drawn(client: Client) -> None:
    assert client.draw(prompt="a __colour__ cat, __none__")["task_status"] == "finished"
    same = {"prompt": "a cat <lora:mist:0.5>", "loras": [{"model_name": MIST, "weight": 0.5}]}
    assert applied(client.draw(**same)) == [f"{MIST} : 0.5"]


FILES = LoraFiles(["x.safetensors", "SD15\\twin.safetensors", "SDXL\\twin.ckpt", "SDXL/mist.safetensors"])


def test_a_prompt_that_fooocus_takes_is_left_as_it_is() -> None:
    for texts in (["a\r\nb"], ["<lora:x:1> a\n\nb "], [""], ["a\x0b<b:1>"], ["<lora:none:1>\n<lora:x:1>"]):
        assert rewritten(texts, FILES) == texts


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a <lora:SDXL/mist:1> b"], ["a <lora:mist:1> b"]),
        (["a\nb <lora:x:0.5>, c"], ["a, <lora:x:0.5>\nb , c"]),
        (["a hat", "a <lora:x:0.5>"], ["a hat, <lora:x:0.5>", "a "]),
        ([" \n", "a <lora:SDXL\\mist:.5>\n<lora:x>"], [" ", "a <lora:mist:.5>, <lora:x:1>\n"]),
        (["<lora:x:1>\n<lora:x:2>"], ["<lora:x:1>, <lora:x:2>\n"]),
    ],
)
def test_all_tags_come_into_the_first_line_by_their_stems(texts: list[str], expected: list[str]) -> None:
    assert rewritten(texts, FILES) == expected


def test_parameters_without_tags_are_the_same_object() -> None:
    parameters = {"prompt": "a cat", "enhance_ctrls": [{"enhance_prompt": ""}]}
    assert with_tags_applied(parameters, ["x.safetensors"]) is parameters
    control = {"enhance_prompt": "a\n<lora:SDXL/mist:1>"}
    changed = with_tags_applied({"prompt": "", "enhance_ctrls": [control]}, ["SDXL/mist.safetensors"])
    assert changed["enhance_ctrls"] == [{"enhance_prompt": "a, <lora:mist:1>\n"}]


def test_a_name_of_two_files_is_never_guessed() -> None:
    (twin,) = tags("<lora:twin:1>", FILES)
    assert isinstance(twin, UnusableTag) and len(twin.allowed) == 2
    assert list(tags("<lora:SD15/twin:1>", FILES)) != [Tag("SDXL\\twin.ckpt", "1")]
    assert PurePath(FILES.meant("mist")).stem == "mist"


# ------------------------------------------------------------------------------- samplers


@pytest.mark.parametrize(
    ("name", "sampler", "scheduler"),
    [
        ("DPM++ 2M Karras", "dpmpp_2m", "karras"),
        ("DPM++ 2M SDE Exponential", "dpmpp_2m_sde_gpu", "exponential"),
        ("Euler a", "euler_ancestral", None),
        ("k_euler", "euler", None),
        ("DPM++ SDE SGM Uniform", "dpmpp_sde_gpu", "sgm_uniform"),
        ("UniPC", "uni_pc", None),
        ("DPMPP_2M", "dpmpp_2m", None),
        ("none such", None, None),
        ("Karras", None, None),
    ],
)
def test_a_sampler_as_others_call_it_is_refused_with_the_hosts_names(
    client: Client, name: str, sampler: str | None, scheduler: str | None
) -> None:
    known = client.get("/v1/engines/samplers").json(), client.get("/v1/engines/schedulers").json()
    assert sampler_and_scheduler(name, *known) == (sampler, scheduler)
    (error,) = client.generate(sampler_name=name).json()["errors"]
    if sampler is not None:
        assert error["allowed"][0] == sampler and f"use {sampler}" in error["message"]
        assert scheduler is None or f"scheduler_name {scheduler}" in error["message"]
    assert 1 <= len(error["allowed"]) <= 5


def test_the_nearest_names_come_first_however_far_they_are(client: Client) -> None:
    for field, name, nearest in (
        ("sampler_name", "eulr", "euler"),
        ("scheduler_name", "Karras", "karras"),
        ("scheduler_name", "SGM Uniform", "sgm_uniform"),
        ("base_model_name", "demo nightfall", "demo_nightfall.safetensors"),
        ("performance_selection", "speed", "Speed"),
        ("style_selections", ["fooocus v2"], "Fooocus V2"),
        ("preset", "Nightfall", "nightfall"),
    ):
        wrong: dict[str, Any] = {field: name}
        (error,) = client.generate(**wrong).json()["errors"]
        assert error["allowed"][0] == nearest, json.dumps(error)


@pytest.mark.parametrize(
    "tag", ["‹lora：mist：0.7>", "＜lora:mist:0.7＞", "<lora:mist:0.7 cat", "<lyco:mist:0.7>", "《lora:mist:1》"]
)
def test_what_looks_like_a_tag_and_is_none_is_refused(client: Client, tag: str) -> None:
    answer = client.generate(prompt=f"a cat, {tag}")
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "prompt" and "<lora:name:0.7>" in error["message"]
