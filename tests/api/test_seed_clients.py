"""Requests as FooocusAPI's examples and clients send them: every field with its default, `"None"` for no image, checkboxes
without effect, `?_=1` against caches. Each gets its image, and none of its fields is reported as ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.tests.generation.test_features import data
from fooocus_api.tests.support.client import Client, events, picture

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory

GENERATE = "/v1/engine/generate"
CACHE_BUSTER = {"_": "1"}

DEFAULTS: dict[str, Any] = {
    "prompt": "",
    "negative_prompt": "",
    "style_selections": ["Fooocus V2", "Fooocus Enhance", "Fooocus Sharp"],
    "performance_selection": "Speed",
    "aspect_ratios_selection": "1152*896",
    "image_number": 1,
    "output_format": "png",
    "image_seed": -1,
    "read_wildcards_in_order": False,
    "sharpness": 2.0,
    "guidance_scale": 4.0,
    "refiner_model_name": "None",
    "refiner_switch": 0.5,
    "input_image_checkbox": False,
    "current_tab": "uov",
    "uov_method": "Disabled",
    "uov_input_image": "None",
    "outpaint_selections": [],
    "inpaint_input_image": "None",
    "inpaint_additional_prompt": "",
    "inpaint_mask_image_upload": "None",
    "inpaint_mask_upload_checkbox": False,
    "disable_preview": False,
    "disable_intermediate_results": False,
    "disable_seed_increment": False,
    "black_out_nsfw": False,
    "adm_scaler_positive": 1.5,
    "adm_scaler_negative": 0.8,
    "adm_scaler_end": 0.3,
    "adaptive_cfg": 7.0,
    "clip_skip": 2,
    "sampler_name": "dpmpp_2m_sde_gpu",
    "scheduler_name": "karras",
    "vae_name": "Default (model)",
    "overwrite_step": -1,
    "overwrite_switch": -1,
    "overwrite_width": -1,
    "overwrite_height": -1,
    "overwrite_vary_strength": -1,
    "overwrite_upscale_strength": -1,
    "mixing_image_prompt_and_vary_upscale": False,
    "mixing_image_prompt_and_inpaint": False,
    "debugging_cn_preprocessor": False,
    "skipping_cn_preprocessor": False,
    "canny_low_threshold": 64,
    "canny_high_threshold": 128,
    "refiner_swap_method": "joint",
    "controlnet_softness": 0.25,
    "freeu_enabled": False,
    "freeu_b1": 1.01,
    "freeu_b2": 1.02,
    "freeu_s1": 0.99,
    "freeu_s2": 0.95,
    "debugging_inpaint_preprocessor": False,
    "inpaint_disable_initial_latent": False,
    "inpaint_engine": "v2.6",
    "inpaint_strength": 1.0,
    "inpaint_respective_field": 0.618,
    "inpaint_advanced_masking_checkbox": False,
    "invert_mask_checkbox": False,
    "inpaint_erode_or_dilate": 0,
    "save_metadata_to_images": True,
    "metadata_scheme": "fooocus",
    "controlnet_image": [{"cn_stop": 0.6, "cn_type": "ImagePrompt", "cn_weight": 0.6}],
    "debugging_dino": False,
    "dino_erode_or_dilate": 0,
    "debugging_enhance_masks_checkbox": False,
    "enhance_input_image": "None",
    "enhance_checkbox": False,
    "enhance_uov_method": "Disabled",
    "enhance_uov_processing_order": "Before First Enhancement",
    "enhance_uov_prompt_type": "Original Prompts",
    "enhance_ctrls": [],
    "save_final_enhanced_image_only": False,
    "generate_image_grid": False,
    "outpaint_distance": [0, 0, 0, 0],
    "upscale_multiple": 1.0,
    "save_name": "",
    "preset": "initial",
    "stream_output": False,
    "require_base64": False,
    "async_process": False,
    "webhook_url": "",
}
"""The defaults that FooocusAPI publishes, except for those that name local files."""

LORA = {"enabled": True, "model_name": "None", "weight": 1.0}
NO_PROMPTS = [{"cn_img": image, "cn_stop": 0.5, "cn_weight": 0.6, "cn_type": "ImagePrompt"} for image in ("", "None")]
IMAGE, MASK = data(640, 480), data(640, 480, "black", (100, 100, 300, 300))

SPELLINGS: dict[str, dict[str, Any]] = {
    "as published": {},
    "quickly": {"performance_selection": "Lightning"},
    "switches as text": {"inpaint_mask_upload_checkbox": "true", "disable_preview": "false", "async_process": "false"},
    "numbers as text": {"image_number": "1", "image_seed": "-1", "overwrite_width": "-1", "sharpness": "2.0"},
    "numbers as floats": {"image_number": 1.0, "clip_skip": 2.0, "overwrite_step": -1.0},
    "no image as null": {"uov_input_image": None, "inpaint_input_image": None, "enhance_input_image": None},
    "no image as empty text": {"uov_input_image": "", "inpaint_mask_image_upload": ""},
    "no image in any case": {"uov_input_image": "none", "inpaint_input_image": " None "},
    "empty image prompts": {"controlnet_image": NO_PROMPTS * 2},
    "no image prompts": {"controlnet_image": []},
    "no webhook as null": {"webhook_url": None, "inpaint_additional_prompt": "None"},
    "disabled in lower case": {"uov_method": "disable", "enhance_uov_method": "disabled"},
    "other names of formats": {"output_format": "jpg", "metadata_scheme": "a111"},
    "the checkboxes ticked": {
        "input_image_checkbox": True,
        "inpaint_mask_upload_checkbox": True,
        "inpaint_advanced_masking_checkbox": True,
        "current_tab": "ip",
    },
    "strengths as floats": {"overwrite_vary_strength": -1.0, "overwrite_upscale_strength": -1.0},
    "sizes that are not set": {"overwrite_width": 0, "overwrite_height": 0},
}
FEATURES: dict[str, dict[str, Any]] = {
    "vary": {"uov_method": "Vary (Subtle)", "uov_input_image": IMAGE},
    "upscale": {"uov_method": "Upscale (Fast 2x)", "uov_input_image": IMAGE},
    "custom upscale": {"uov_method": "Upscale (Custom)", "upscale_multiple": 1.5, "uov_input_image": IMAGE},
    "inpaint": {"inpaint_input_image": IMAGE, "inpaint_mask_image_upload": MASK, "current_tab": "inpaint"},
    "outpaint": {"inpaint_input_image": IMAGE, "outpaint_selections": ["Left"], "outpaint_distance": [64, 0, 0, 0]},
    "image prompt": {"controlnet_image": [{"cn_img": IMAGE, "cn_type": "PyraCanny"}, *NO_PROMPTS]},
    "preset": {"preset": "nightfall"},
}


def form(client: Client, **fields: Any) -> dict[str, Any]:
    """Return a complete form, filled in by a page that knows the models."""
    models = client.get("/v1/engines/all-models").json()
    return {
        **DEFAULTS,
        "prompt": "a house by the river",
        "base_model_name": models["model_filenames"][0],
        "loras": [{"enabled": True, "model_name": models["lora_filenames"][0], "weight": 0.1}, *[LORA] * 4],
        **fields,
    }


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_whole_form_is_drawn_and_nothing_in_it_is_called_ignored(client: Client, spelling: str) -> None:
    response = client.post(GENERATE, json=form(client, **SPELLINGS[spelling]), params=CACHE_BUSTER)
    assert response.status_code == 200, response.text
    record = response.json()
    assert record["task_status"] == "finished"
    assert client.image(record["result"][0]).size == (1152, 896)
    if spelling != "the checkboxes ticked":
        assert "X-Ignored-Fields" not in response.headers
        assert "ignored_fields" not in record


@pytest.mark.parametrize("feature", FEATURES)
def test_a_whole_form_of_each_feature_is_drawn(client: Client, feature: str) -> None:
    body = form(client, performance_selection="Lightning", **FEATURES[feature])
    response = client.post(GENERATE, json=body, params=CACHE_BUSTER)
    assert response.status_code == 200, response.text
    record = response.json()
    assert record["task_status"] == "finished" and client.image(record["result"][0])
    assert "X-Ignored-Fields" not in response.headers and "ignored_fields" not in record


def test_every_way_to_get_an_answer_takes_a_whole_form(client: Client) -> None:
    body = form(client, performance_selection="Lightning")
    image = client.post(GENERATE, json=body, params=CACHE_BUSTER, headers={"Accept": "image/png"})
    assert image.status_code == 200 and picture(image.content).size == (1152, 896)
    with client.post(GENERATE, json={**body, "stream_output": True}, params=CACHE_BUSTER, stream=True) as response:
        last = list(events(response))[-1].data
    assert last["message"] == "Finished" and client.image(last["images"][0]).size == (1152, 896)
    pending = client.post(GENERATE, json={**body, "async_process": True}, params=CACHE_BUSTER)
    assert pending.json()["task_status"] == "pending"
    assert client.ended(pending.json()["task_id"])["task_status"] == "finished"
    for response in (image, pending):
        assert "X-Ignored-Fields" not in response.headers


def test_every_other_call_is_answered_against_caches_too(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory().url)
    record = client.draw()
    for path in (
        "/tasks",
        f"/tasks/{record['task_id']}",
        "/v1/engines/all-models",
        "/v1/engines/styles",
        "/v1/info",
        "/healthz",
        record["result"][0].removeprefix(client.url),
    ):
        response = client.get(path, params=CACHE_BUSTER)
        assert response.status_code == 200 and "X-Ignored-Fields" not in response.headers, path
    now = {**CACHE_BUSTER, "query": "all", "page": 0, "page_size": 10, "end_at": "2099-07-19T14:20:51.118316"}
    assert len(client.get("/tasks", params=now).json()["history"]) == 1
    describe = client.post(
        "/v1/tools/describe-image", json={"image": IMAGE, "image_type": "Photo"}, params=CACHE_BUSTER
    )
    assert describe.json()["describe"]
    for arguments in (
        {"params": {**CACHE_BUSTER, "action": "stop"}},
        {"params": {**CACHE_BUSTER, "action": "skip"}, "json": {}},
        {"params": CACHE_BUSTER, "json": {"action": "stop"}},
    ):
        for path in ("/v1/engine/control", "/v1/engine/control/"):
            assert client.post(path, **arguments).json()["message"] == "No task is running."
    assert client.post("/v1/engine/unload", params=CACHE_BUSTER).status_code == 200
    deleted = client.get("/tasks", params={**now, "action": "delete"})
    assert deleted.json() == {"message": "1 tasks deleted", "deleted": 1}
