"""Parameters of files: each is in the request, or named with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from fooocus_api.tests.images.test_metadata_requests import ALL, Answer, accepted, changed, read, unmapped
from fooocus_api.tests.support.client import Client

SETTINGS = {
    "prompt": ("prompt",),
    "negative_prompt": ("negative_prompt",),
    "styles": ("style_selections",),
    "performance": ("performance_selection",),
    "steps": ("overwrite_step", "performance_selection"),
    "width": ("aspect_ratios_selection", "overwrite_width"),
    "height": ("aspect_ratios_selection", "overwrite_height"),
    "guidance_scale": ("guidance_scale",),
    "sharpness": ("sharpness",),
    "adm_guidance": ("adm_scaler_positive",),
    "base_model": ("base_model_name",),
    "refiner_model": ("refiner_model_name",),
    "refiner_switch": ("refiner_switch",),
    "overwrite_switch": ("overwrite_switch",),
    "refiner_swap_method": ("refiner_swap_method",),
    "adaptive_cfg": ("adaptive_cfg",),
    "clip_skip": ("clip_skip",),
    "sampler": ("sampler_name",),
    "scheduler": ("scheduler_name",),
    "vae": ("vae_name",),
    "seed": ("image_seed",),
    "freeu": ("freeu_enabled",),
    "loras": ("loras",),
}
"""Parameter → the fields of a request, of which one has it."""
DESCRIPTIONS = {
    *("prompt_expansion", "full_prompt", "full_negative_prompt", "base_model_hash", "refiner_model_hash", "created_by"),
}
CHANGES: dict[str, dict[str, Any]] = {
    "no refiner": {
        "refiner_model": "None",
        "refiner_switch": 0.7,
        "overwrite_switch": 9,
        "refiner_swap_method": "joint",
    },
    "a missing refiner": {"refiner_model": "gone", "refiner_switch": 0.7, "refiner_swap_method": "joint"},
    "few steps": {"performance": "Lightning", "steps": 4, "refiner_model": "gone", "freeu": "(1.1, 1.2, 0.9, 0.8)"},
    "a random seed": {"seed": "-1"},
    "names that the host lacks": {"base_model": "x", "vae": "x", "sampler": "x", "scheduler": "x", "performance": "x"},
    "an automatic scheduler": {"scheduler": "Automatic"},
    "values out of range": {"seed": "9" * 19, "sharpness": 99, "refiner_switch": 9, "clip_skip": 50, "steps": 999},
    "one LoRA twice": {"lora_combined_1": "demo_warm_light : 0.5", "lora_combined_2": "demo_warm_light : 0.6"},
    "an unusual size": {"resolution": "(9000, 16)"},
}


def missing(answer: Answer) -> set[str]:
    """Return the parameters that neither the request nor `unmapped` has."""
    named = {*answer["request"], *unmapped(answer)}
    return {
        name for name in answer["parameters"] if name not in DESCRIPTIONS and named.isdisjoint(SETTINGS.get(name, ()))
    }


@pytest.mark.parametrize("kind", ALL)
def test_each_parameter_of_a_file_is_in_the_request_or_named(client: Client, kind: str) -> None:
    assert not missing(read(client, ALL[kind]))


@pytest.mark.parametrize("kind", CHANGES)
def test_each_parameter_that_is_left_out_is_named(client: Client, kind: str) -> None:
    answer = changed(client, **CHANGES[kind])
    assert not missing(answer)
    accepted(client, answer)


def test_settings_of_a_missing_refiner_stay_in_the_request(client: Client) -> None:
    answer = changed(client, **CHANGES["a missing refiner"])
    assert answer["request"]["refiner_switch"] == 0.7 and answer["request"]["refiner_model_name"] == "None"


def test_a_negative_seed_is_left_out_by_name(client: Client) -> None:
    answer = changed(client, seed="-1")
    assert "image_seed" not in answer["request"] and "image_seed" in unmapped(answer)
