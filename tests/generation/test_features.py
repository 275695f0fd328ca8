"""Features of a request other than the prompt: images, presets, names; and invalid combinations."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy
import pytest
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client


def data(
    width: int = 256, height: int = 192, colour: str = "teal", white: tuple[int, int, int, int] | None = None
) -> str:
    """Return an image as base64, with a white box."""
    image = PILImage.new("RGB", (width, height), colour)
    if white:
        image.paste("white", white)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def picture(client: Client, url: str) -> Any:
    return numpy.array(PILImage.open(io.BytesIO(client.get(url).content)).convert("RGB"))


def prompt_image(kind: str = "ImagePrompt") -> dict[str, Any]:
    return {"cn_img": data(), "cn_type": kind, "cn_stop": 0.7, "cn_weight": 0.4}


DRAWN: dict[str, dict[str, Any]] = {
    "vary": {"uov_input_image": data(), "uov_method": "Vary (Subtle)"},
    "upscale 1.5x": {"uov_input_image": data(), "uov_method": "Upscale (1.5x)"},
    "upscale fast": {"uov_input_image": data(), "uov_method": "Upscale (Fast 2x)"},
    "inpaint": {
        "inpaint_input_image": data(),
        "inpaint_mask_image_upload": data(128, 96, "black", (20, 20, 60, 60)),
        "inpaint_additional_prompt": "a hat",
    },
    "outpaint": {"inpaint_input_image": data(), "outpaint_selections": ["Left", "Bottom"]},
    "image prompt": {"controlnet_image": [prompt_image()]},
    "several image prompts": {
        "controlnet_image": [prompt_image("PyraCanny"), prompt_image("CPDS"), prompt_image("FaceSwap")]
    },
    "mixed with vary": {
        "controlnet_image": [prompt_image()],
        "uov_input_image": data(),
        "uov_method": "Vary (Strong)",
        "mixing_image_prompt_and_vary_upscale": True,
    },
    "mixed with inpaint": {
        "controlnet_image": [prompt_image()],
        "inpaint_input_image": data(),
        "outpaint_selections": ["Top"],
        "mixing_image_prompt_and_inpaint": True,
    },
}


@pytest.mark.parametrize("feature", DRAWN)
def test_it_is_drawn_and_recorded_without_base64(client: Client, feature: str) -> None:
    record = client.draw(**DRAWN[feature])
    assert record["task_status"] == "finished" and record["result"]
    parameters = record["req_params"]
    urls = [parameters[name] for name in ("uov_input_image", "inpaint_input_image") if parameters[name]]
    urls += [item["cn_img"] for item in parameters["controlnet_image"]]
    assert urls
    for url in urls:
        assert url.startswith(f"{client.url}/inputs/") and client.get(url).status_code == 200


def test_outpaint_distance_is_in_pixels(client: Client) -> None:
    sides = {"outpaint_selections": ["Left", "Top", "Right"], "outpaint_distance": [64, 32, 128, 0]}
    record = client.draw(inpaint_input_image=data(256, 192), **sides)
    assert picture(client, record["result"][0]).shape[:2] == (192 + 32, 256 + 64 + 128)


def test_an_image_can_be_an_earlier_result(client: Client) -> None:
    first = client.draw(image_seed=3)
    record = client.draw(uov_input_image=first["result"][0], uov_method="Upscale (Fast 2x)")
    assert record["req_params"]["uov_input_image"] == first["result"][0]


def test_what_came_out_is_described(client: Client) -> None:
    record = client.draw(image_number=2, image_seed=9, output_format="webp")
    assert [image["url"] for image in record["images"]] == record["result"]
    assert [image["seed"] for image in record["images"]] == [9, 10]
    assert all((i["width"], i["height"], i["format"]) == (256, 256, "webp") for i in record["images"])


def test_base64_where_it_is_asked_for(client: Client) -> None:
    record = client.draw(require_base64=True)
    content = base64.b64decode(record["images"][0]["base64"])
    assert content == client.get(record["result"][0]).content
    assert "base64" not in client.draw()["images"][0]
    assert base64.b64decode(client.task(record["task_id"])["images"][0]["base64"]) == content
    listed = next(one for one in client.tasks()["history"] if one["task_id"] == record["task_id"])
    assert "base64" not in listed["images"][0], "a list of a hundred records would have thousands of files"
    last = list(client.stream(require_base64=True))[-1].data
    assert base64.b64decode(last["base64"][0]) == client.get(last["images"][0]).content


def test_a_name_of_ones_own_never_overwrites(client: Client) -> None:
    first, second = (client.draw(save_name="my harbour", image_number=2, output_format="jpeg") for _ in range(2))
    names = [url.rsplit("/", 1)[1] for url in first["result"] + second["result"]]
    assert names == [f"my%20harbour-{number}.jpeg" for number in range(4)]
    assert all(client.get(url).status_code == 200 for url in first["result"])


@pytest.mark.parametrize(
    "name", ["../up", "a/b", "a\\b", ".hidden", "con", "CON.x", "nul", "end.", "x" * 101, "a\x00b", "a:b"]
)
def test_a_name_can_not_leave_the_folder(client: Client, name: str) -> None:
    response = client.generate(save_name=name)
    assert response.status_code == 422 and response.json()["errors"][0]["field"] == "save_name"
    assert "pattern" not in response.json()["detail"]


def test_a_preset_is_above_the_defaults_and_below_the_request(client: Client) -> None:
    parameters = client.draw(preset="nightfall")["req_params"]
    assert parameters["base_model_name"] == "demo_nightfall.safetensors"
    own = client.draw(preset="nightfall", base_model_name="demo_nightfall.safetensors", guidance_scale=9.5)[
        "req_params"
    ]
    assert own["guidance_scale"] == 9.5
    default = client.draw()["req_params"]["base_model_name"]
    assert client.draw(preset="nightfall", base_model_name=default)["req_params"]["base_model_name"] != default


def tab(mask_model: str, **fields: Any) -> dict[str, Any]:
    return {"enhance_enabled": True, "enhance_mask_model": mask_model, **fields}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"uov_input_image": data()}, "uov_method"),
    ({"uov_method": "Vary (Subtle)"}, "uov_input_image"),
    ({"uov_method": "Upscale (3x)", "uov_input_image": data()}, "uov_method"),
    ({"upscale_multiple": 2}, "upscale_multiple"),
    ({"inpaint_input_image": data()}, "inpaint_mask_image_upload"),
    ({"inpaint_mask_image_upload": data()}, "inpaint_input_image"),
    ({"outpaint_selections": ["Left"]}, "inpaint_input_image"),
    ({"inpaint_input_image": data(), "outpaint_selections": ["left"]}, "outpaint_selections[0]"),
    (
        {"inpaint_input_image": data(), "outpaint_selections": ["Left"], "outpaint_distance": [1, 2, 0, 0]},
        "outpaint_distance[1]",
    ),
    (
        {"inpaint_input_image": data(), "outpaint_selections": ["Left"], "outpaint_distance": [1, 2]},
        "outpaint_distance",
    ),
    ({"controlnet_image": [prompt_image("Depth")]}, "controlnet_image[0].cn_type"),
    ({"controlnet_image": [prompt_image()] * 9}, "controlnet_image"),
    ({"controlnet_image": [prompt_image()], **DRAWN["vary"]}, "uov_input_image"),
    ({**DRAWN["vary"], **DRAWN["inpaint"]}, "inpaint_input_image"),
    (
        {
            "controlnet_image": [prompt_image()],
            **DRAWN["upscale fast"],
            "mixing_image_prompt_and_vary_upscale": True,
        },
        "controlnet_image",
    ),
    ({**DRAWN["upscale fast"], "enhance_checkbox": True, "enhance_ctrls": [tab("u2net")]}, "enhance_checkbox"),
    ({"enhance_input_image": data()}, "enhance_ctrls"),
    ({"enhance_ctrls": [{}, tab("u2net")]}, "enhance_ctrls[1].enhance_enabled"),
    ({"enhance_uov_method": "Vary (Subtle)"}, "enhance_uov_method"),
    ({"enhance_checkbox": True, "enhance_ctrls": [tab("sam")]}, "enhance_ctrls[0].enhance_mask_dino_prompt"),
    (
        {
            "enhance_checkbox": True,
            "enhance_ctrls": [{}, tab("sam", enhance_mask_dino_prompt="face", enhance_mask_box_threshold=0)],
        },
        "enhance_ctrls[1].enhance_mask_box_threshold",
    ),
    ({"enhance_ctrls": [{"enhance_enabled": True, "enhance_mask_model": "x"}]}, "enhance_ctrls[0].enhance_mask_model"),
    ({"enhance_ctrls": [{}] * 9}, "enhance_ctrls"),
    ({"uov_input_image": "no image", "uov_method": "Vary (Subtle)"}, "uov_input_image"),
    ({"preset": "../config"}, "preset"),
    ({"prompt": "a cat, <lora:no_such_lora:0.5>"}, "prompt"),
    ({"prompt": "<lora:demo_warm_light:1>", "loras": [{"model_name": "demo_dreamy_haze.safetensors"}] * 5}, "prompt"),
    ({"inpaint_engine": "v9"}, "inpaint_engine"),
]
"""Invalid combinations, and the field that the error names: sent by the tests of bad requests."""


@pytest.mark.parametrize(
    "fields",
    [
        {"enhance_checkbox": False, "enhance_ctrls": [tab("sam")], "enhance_uov_method": "Vary (Subtle)"},
        {"enhance_uov_method": "Disabled", "enhance_ctrls": [{}]},
        {
            "enhance_checkbox": True,
            "debugging_dino": True,
            "enhance_ctrls": [tab("sam", enhance_mask_dino_prompt="face", enhance_mask_box_threshold=0)],
        },
    ],
    ids=["switched off", "all disabled", "boxes alone"],
)
def test_an_enhancement_that_is_switched_off_or_possible_is_accepted(client: Client, fields: dict[str, Any]) -> None:
    assert client.draw(**fields)["task_status"] == "finished"


def test_a_lora_may_be_named_in_the_prompt(client: Client) -> None:
    record = client.draw(prompt="a cat <lora:demo_warm_light:0.5>\nin the rain <lora:demo_dreamy_haze:1>", loras=[])
    metadata = record["images"][0]["metadata"]
    assert metadata["lora_combined_1"] == "demo_warm_light.safetensors : 0.5"
    assert metadata["lora_combined_2"] == "demo_dreamy_haze.safetensors : 1.0"


@pytest.mark.parametrize("path", ["/v1/engine/generate", "/v1/images/generations", "/sdapi/v1/txt2img"])
def test_a_default_lora_has_the_weight_of_the_prompt(client: Client, path: str) -> None:
    default = client.draw()["images"][0]["metadata"]
    assert default["lora_combined_1"] == "demo_warm_light.safetensors : 0.1"
    prompt = "a cat <lora:demo_warm_light:0.5> <lora:demo_dreamy_haze:0.2>"
    assert client.post(path, json={"prompt": prompt}).status_code == 200
    metadata = client.tasks(query="all", page_size=1)["history"][0]["images"][0]["metadata"]
    assert metadata["lora_combined_1"] == "demo_warm_light.safetensors : 0.5"
    assert metadata["lora_combined_2"] == "demo_dreamy_haze.safetensors : 0.2" and "lora_combined_3" not in metadata


def test_a_lora_that_the_request_lists_with_another_weight_is_refused(client: Client) -> None:
    fields: dict[str, Any] = {
        "prompt": "a cat <lora:demo_warm_light:0.5>",
        "loras": [{"model_name": "demo_warm_light.safetensors", "weight": 0.1}],
    }
    response = client.generate(**fields)
    assert response.status_code == 422 and "name it once" in response.json()["detail"]


def test_what_a_prompt_becomes_has_the_weight_of_the_prompt(client: Client) -> None:
    body = {"prompt": "a cat <lora:demo_warm_light:0.5>", "expansion": False}
    answer = client.post("/v1/tools/expand-prompt", json=body)
    assert answer.status_code == 200, answer.text
    assert {"model_name": "demo_warm_light.safetensors", "weight": 0.5} in answer.json()["images"][0]["loras"]
