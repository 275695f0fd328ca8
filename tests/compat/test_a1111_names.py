"""Names of samplers, schedulers, models and ControlNet's parts as AUTOMATIC1111's clients write them."""

from __future__ import annotations

from typing import Any

import pytest

from fooocus_api.api.compat.a1111.generation.scripts import apply_scripts
from fooocus_api.api.compat.a1111.names.checkpoints import ModelName, find_file, stem_of
from fooocus_api.api.compat.a1111.names.controlnet import control_type
from fooocus_api.api.compat.a1111.names.samplers import find_sampler, find_scheduler, samplers
from fooocus_api.api.compat.a1111.names.upscalers import upscaler_named
from fooocus_api.api.compat.a1111.routing import Refused
from fooocus_api.api.responses.problems import InvalidFields

SAMPLERS = [
    *("euler", "euler_ancestral", "heun", "heunpp2", "dpm_2", "dpm_2_ancestral"),
    *("lms", "dpm_fast", "dpm_adaptive", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_sde_gpu"),
    *("dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "ddpm"),
    *("lcm", "tcd", "restart", "ddim", "uni_pc", "uni_pc_bh2"),
]
SCHEDULERS = ["normal", "karras", "exponential", "sgm_uniform", "simple", "ddim_uniform", "align_your_steps", "tcd"]


@pytest.mark.parametrize(
    ("written", "sampler", "scheduler"),
    [
        ("Euler a", "euler_ancestral", None),
        ("euler A", "euler_ancestral", None),
        ("k_euler_a", "euler_ancestral", None),
        ("k_euler", "euler", None),
        ("DPM++ 2M Karras", "dpmpp_2m", "karras"),
        ("k_dpmpp_2m_ka", "dpmpp_2m", "karras"),
        ("DPM++ 2M SDE", "dpmpp_2m_sde_gpu", None),
        ("dpmpp_2m_sde", "dpmpp_2m_sde", None),
        ("DPM++ 2M SDE Exponential", "dpmpp_2m_sde_gpu", "exponential"),
        ("DPM++ 2M SDE SGMUniform", "dpmpp_2m_sde_gpu", "sgm_uniform"),
        ("DPM++ SDE Polyexponential", "dpmpp_sde_gpu", "exponential"),
        ("DPM2 a Karras", "dpm_2_ancestral", "karras"),
        ("k_dpm_2_a", "dpm_2_ancestral", None),
        ("DPM2", "dpm_2", None),
        ("DPM++ 3M SDE", "dpmpp_3m_sde_gpu", None),
        ("DDIM CFG++", "ddim", None),
        ("UniPC", "uni_pc", None),
        ("uni_pc_bh2", "uni_pc_bh2", None),
        ("heunpp2", "heunpp2", None),
    ],
)
def test_a_sampler_is_found(written: str, sampler: str, scheduler: str | None) -> None:
    assert find_sampler(written, SAMPLERS) == (sampler, scheduler)


@pytest.mark.parametrize("written", ["PLMS", "", "Karras", "x" * 10_000, "Euler b"])
def test_another_sampler_is_not(written: str) -> None:
    assert find_sampler(written, SAMPLERS) is None


def test_each_sampler_is_listed_once_with_all_its_names() -> None:
    names = [one.name for one in samplers(SAMPLERS)]
    assert len(set(names)) == len(names)
    for one in samplers(SAMPLERS):
        for name in (one.name, *one.aliases):
            assert find_sampler(name, SAMPLERS) is not None, name
    hosts = {host for one in samplers(SAMPLERS) for host in (one.host, *one.aliases)}
    assert set(SAMPLERS) <= hosts


@pytest.mark.parametrize(
    ("written", "scheduler"),
    [
        *((name, name) for name in SCHEDULERS),
        ("SGM Uniform", "sgm_uniform"),
        ("Align Your Steps", "align_your_steps"),
        ("Uniform", "normal"),
        ("DDIM", "ddim_uniform"),
        ("polyexponential", "exponential"),
        ("kl_optimal", None),
        ("beta", None),
    ],
)
def test_a_scheduler_is_found(written: str, scheduler: str | None) -> None:
    assert find_scheduler(written, SCHEDULERS) == scheduler


class Files:
    """A catalog of three checkpoints."""

    def __init__(self) -> None:
        self.refreshed = 0

    def names(self, _: str) -> list[str]:
        return ["sdxl/Base_1.0.safetensors", "juggernautXL_v8.safetensors", "other.ckpt"]

    def hashes(self, _: str) -> dict[str, str]:
        return {"other.ckpt": "aeb7e9e689aa0000"}

    def refresh(self) -> None:
        self.refreshed += 1


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("juggernautXL_v8.safetensors [aeb7e9e689]", 1),
        ("juggernautxl_V8.safetensors", 1),
        ("juggernautXL_v8", 1),
        ("C:\\models\\juggernautXL_v8.safetensors", 1),
        ("sdxl/Base_1.0.safetensors", 0),
        ("sdxl\\Base_1.0", 0),
        ("Base_1.0", 0),
        ("aeb7e9e689", 2),
        ("other.ckpt [aeb7e9e689]", 2),
    ],
)
def test_a_model_is_found(written: str, file: int) -> None:
    catalog: Any = Files()
    assert find_file(catalog, "model_files", written) == catalog.names("")[file]
    assert catalog.refreshed == 0


def test_a_model_that_may_be_new_is_looked_for_again() -> None:
    catalog: Any = Files()
    assert find_file(catalog, "model_files", "new") is None and catalog.refreshed == 1


def test_titles_have_known_hashes() -> None:
    assert ModelName("a.safetensors", "0123456789").title == "a.safetensors [0123456789]"
    assert ModelName("a.safetensors", None).title == "a.safetensors"
    assert stem_of("folder\\lora_1.0.safetensors") == "folder/lora_1.0" and stem_of("lora_1.0") == "lora_1.0"


@pytest.mark.parametrize(
    ("module", "model", "kind"),
    [
        ("canny", "control_v11p_sd15_canny [d14c016b]", "PyraCanny"),
        ("lineart_anime", "None", "PyraCanny"),
        ("softedge_hed", "", "PyraCanny"),
        ("scribble_pidinet", "", "PyraCanny"),
        ("depth_midas", "", "CPDS"),
        ("normal_bae", "", "CPDS"),
        ("reference_only", "None", "ImagePrompt"),
        ("ip-adapter_clip_sdxl", "", "ImagePrompt"),
        ("ip-adapter_face_id", "", "FaceSwap"),
        ("instant_id_face_embedding", "", "FaceSwap"),
        ("none", "control_canny-fp16 [e3fe7712]", "PyraCanny"),
        ("None", "Fooocus FaceSwap", "FaceSwap"),
        ("none", "Fooocus ImagePrompt", "ImagePrompt"),
        ("openpose_faceonly", "", None),
        ("tile_resample", "", None),
        ("inpaint_only", "", None),
        ("none", "None", None),
    ],
)
def test_a_unit_has_a_type(module: str, model: str, kind: str | None) -> None:
    assert control_type(module, model) == kind


def test_units_become_image_prompts() -> None:
    values: dict[str, Any] = {}
    ignored: list[str] = []
    units = [
        {"enabled": False, "module": "openpose"},
        {"image": {"image": "A", "mask": "B"}, "module": "none", "model": "x depth", "weight": 9, "guidance_end": 0.5},
        {"input_image": "C", "module": None, "model": "Fooocus CPDS", "guidance_start": 0.2, "enabled": "true"},
        None,
        False,
    ]
    apply_scripts({"controlNET": {"args": units}}, values, ignored, None)
    assert values["controlnet_image"] == [
        {"cn_img": "A", "cn_type": "CPDS", "cn_weight": 2, "cn_stop": 0.5},
        {"cn_img": "C", "cn_type": "CPDS", "cn_weight": 1.0, "cn_stop": 1.0},
    ]
    assert values["skipping_cn_preprocessor"] and ignored == ["alwayson_scripts.ControlNet.args[2].guidance_start"]


@pytest.mark.parametrize(
    "units", [[{"module": "openpose", "image": "A"}], [{"module": "canny"}], [{"module": "canny"}] * 40]
)
def test_a_unit_that_has_no_use_is_refused(units: list[Any]) -> None:
    with pytest.raises(InvalidFields, match="ControlNet"):
        apply_scripts({"ControlNet": {"args": units}}, {}, [], None)


@pytest.mark.parametrize(
    "scripts",
    [
        {"roop": {"args": [False, True]}},
        {"reactor": {"args": []}},
        {"x": None},
        {"ADetailer": {"args": [True, True, {"ad_model": "None"}]}},
        {"ADetailer": {"args": [{"ad_model": None}]}},
        {"animatediff": {"args": [{"enable": False}]}},
        {"Refiner": {"args": [True, "x", 0.8]}},
    ],
)
def test_scripts_that_are_off_change_nothing(scripts: dict[str, Any]) -> None:
    values: dict[str, Any] = {}
    apply_scripts(scripts, values, [], None)
    assert values == {}


def test_other_scripts_are_refused_in_its_words() -> None:
    with pytest.raises(Refused, match=r"^always on script roop not found$") as refused:
        apply_scripts({"roop": {"args": ["image", True]}}, {}, [], None)
    assert refused.value.status == 422


def test_adetailer_becomes_an_enhancement() -> None:
    values: dict[str, Any] = {}
    part = {"ad_model": "face_yolov8n.pt", "ad_prompt": "a smile", "ad_denoising_strength": 0.3}
    apply_scripts({"ADetailer": {"args": [True, False, part]}}, values, [], None)
    assert values["enhance_checkbox"] and values["save_final_enhanced_image_only"]
    (control,) = values["enhance_ctrls"]
    assert (control["enhance_mask_dino_prompt"], control["enhance_prompt"]) == ("face", "a smile")
    assert control["enhance_inpaint_strength"] == 0.3


def test_other_upscalers_are_fooocus_own() -> None:
    names = ["none", None, "", "lanczos", "Nearest", "R-ESRGAN 4x+"]
    assert [upscaler_named(name) for name in names] == ["None", "None", "None", "Lanczos", "Nearest", "Fooocus"]
