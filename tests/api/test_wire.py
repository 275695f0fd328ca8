"""The wire format of FooocusAPI: the fields that its clients read, with their types, in every kind of response."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from fooocus_api.tests.generation.test_features import data
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.sources.examples import PICTURE

NUMBER = (int, float)
RECORD: dict[str, Any] = {
    "id": int,
    "task_id": str,
    "req_params": dict,
    "in_queue_mills": int,
    "start_mills": int,
    "finish_mills": int,
    "task_status": str,
    "progress": NUMBER,
    "webhook_url": str,
    "result": list,
}
ANSWERS = {"stream_output": bool, "async_process": bool, "require_base64": bool, "webhook_url": str, "preset": str}
"""Fields of `req_params` that do not concern the generation."""
WAITING = {**RECORD, "preview": str}
EVENT: dict[str, Any] = {"progress": NUMBER, "preview": (str, type(None)), "message": str, "images": list}

GENERATE = "/v1/engine/generate"
IMAGE, MASK = data(*PICTURE), data(*PICTURE, "black", (100, 100, 300, 300))
VARY = {"uov_input_image": IMAGE, "uov_method": "Vary (Strong)"}
INPAINT = {"inpaint_input_image": IMAGE, "inpaint_mask_image_upload": f"data:image/png;base64,{MASK}"}
PROMPTS = [{"cn_img": IMAGE, "cn_stop": 0.5, "cn_weight": 0.6, "cn_type": "ImagePrompt"}]
NO_PROMPTS = [{"cn_img": "", "cn_stop": 0.5, "cn_weight": 0.6, "cn_type": "ImagePrompt"}] * 4
MIXES = {"mixing_image_prompt_and_vary_upscale": True, "mixing_image_prompt_and_inpaint": True}
PARTS = [
    {"enhance_enabled": True, "enhance_mask_dino_prompt": name, "enhance_inpaint_erode_or_dilate": 0.0}
    for name in ("face", "mouth", "eye")
]

DRAWN: dict[str, dict[str, Any]] = {
    "nothing said": {},
    "a prompt": {"prompt": "a dog", "negative_prompt": ""},
    "vary": VARY,
    "upscale": {"uov_input_image": IMAGE, "uov_method": "Upscale (Fast 2x)"},
    "custom upscale": {"uov_input_image": IMAGE, "uov_method": "Upscale (Custom)", "upscale_multiple": 2.5},
    "inpaint": {"prompt": "", "inpaint_additional_prompt": "a red ball", **INPAINT},
    "outpaint": {"inpaint_input_image": IMAGE, "outpaint_selections": ["Left", "Bottom"]},
    "image prompt": {"controlnet_image": PROMPTS},
    "empty image prompts": {"controlnet_image": NO_PROMPTS},
    "mixed with vary": {**VARY, "mixing_image_prompt_and_vary_upscale": True, "controlnet_image": PROMPTS},
    "mixed with inpaint": {**INPAINT, "mixing_image_prompt_and_inpaint": True, "controlnet_image": PROMPTS},
    "mixed with both": {**VARY, **INPAINT, **MIXES, "controlnet_image": PROMPTS},
    "enhance": {
        "enhance_input_image": IMAGE,
        "enhance_checkbox": True,
        "enhance_uov_method": "Vary (Strong)",
        "enhance_uov_processing_order": "Before First Enhancement",
        "enhance_uov_prompt_type": "Original Prompts",
        "enhance_ctrls": PARTS,
    },
    "preset": {"preset": "nightfall", "prompt": "a dog"},
}


def has(answer: dict[str, Any], shape: dict[str, Any]) -> None:
    for key, kind in shape.items():
        assert key in answer and isinstance(answer[key], kind), (key, answer.get(key, "is missing"))


@pytest.mark.parametrize("kind", DRAWN)
def test_the_record_of_every_kind_of_request(client: Client, kind: str) -> None:
    record = client.post(GENERATE, json={"performance_selection": "Lightning", **DRAWN[kind]}).json()
    has(record, RECORD)
    has(record["req_params"], ANSWERS)
    assert record["task_status"] == "finished" and record["progress"] == 100
    assert record["result"] and all(client.get(url).status_code == 200 for url in record["result"])
    has(client.task(record["task_id"]), RECORD)


def test_the_record_before_it_is_done(client: Client) -> None:
    record = client.post(GENERATE, json={"prompt": "a dog", "negative_prompt": "", "async_process": "true"}).json()
    has(record, WAITING)
    while (record := client.task(record["task_id"]))["task_status"] in ("pending", "running"):
        has(record, WAITING)


def test_events_as_clients_cut_them(client: Client) -> None:
    body = {"prompt": "a dog", "performance_selection": "Lightning", "stream_output": "true"}
    with client.post(GENERATE, json=body, stream=True) as response:
        lines = [line.decode() for line in response.iter_lines(chunk_size=8192) if line.startswith(b"data: ")]
    told = [json.loads(line[6:]) for line in lines]
    for event in told:
        has(event, EVENT)
    assert (told[-1]["progress"], told[-1]["message"], len(told[-1]["images"])) == (100, "Finished", 1)


def test_the_tools_and_the_catalog(client: Client) -> None:
    has(client.post("/v1/tools/describe-image", json={"image": IMAGE, "image_type": "Photo"}).json(), {"describe": str})
    mask = client.post("/v1/tools/generate_mask", json={"image": IMAGE, "dino_prompt_text": "", "dino_debug": False})
    assert base64.b64decode(mask.json(), validate=True).startswith(b"\x89PNG")
    has(client.get("/v1/engines/all-models").json(), {"model_filenames": list, "lora_filenames": list})
    assert "Fooocus V2" in client.get("/v1/engines/styles").json()
    has(client.control("stop").json(), {"message": str})
