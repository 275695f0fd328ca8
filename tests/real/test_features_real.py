"""Each feature once on a real Fooocus: the image's size is checked and its duration printed."""

from __future__ import annotations

import base64
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client

pytestmark = pytest.mark.real


def data(width: int = 256, height: int = 256, white: tuple[int, int, int, int] | None = None) -> str:
    """Return a gradient as base64, or, with a box, a black image with that box white."""
    ramp = PILImage.linear_gradient("L").resize((width, height))
    image = PILImage.merge(
        "RGB", (ramp, ramp.rotate(90).resize((width, height)), PILImage.new("L", (width, height), 90))
    )
    if white:
        image = PILImage.new("RGB", (width, height))
        image.paste("white", white)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def prompted(*kinds: str) -> list[dict[str, Any]]:
    return [{"cn_img": data(), "cn_type": kind} for kind in kinds]


def enhancement(mask_model: str, **fields: Any) -> dict[str, Any]:
    return {"enhance_enabled": True, "enhance_mask_model": mask_model, "enhance_prompt": "a face", **fields}


SAM = {"enhance_mask_box_threshold": 0.3, "enhance_mask_text_threshold": 0.1, "enhance_mask_sam_max_detections": 1}

FEATURES: dict[str, tuple[dict[str, Any], tuple[int, int] | None]] = {
    "text": ({}, (256, 256)),
    "lora": ({"loras": [{"model_name": "tiny_lora.safetensors", "weight": 0.8}]}, (256, 256)),
    "image prompt": ({"controlnet_image": prompted("ImagePrompt")}, (256, 256)),
    "canny and depth": ({"controlnet_image": prompted("PyraCanny", "CPDS")}, (256, 256)),
    "face swap": ({"controlnet_image": prompted("FaceSwap")}, (256, 256)),
    "inpaint": (
        {"inpaint_input_image": data(), "inpaint_mask_image_upload": data(128, 128, (30, 30, 90, 90))},
        (256, 256),
    ),
    "outpaint": ({"inpaint_input_image": data(), "outpaint_selections": ["Right"]}, (256 + 76, 256)),
    "outpaint distance": (
        {"inpaint_input_image": data(), "outpaint_selections": ["Left", "Top"], "outpaint_distance": [64, 32, 0, 0]},
        (320, 288),
    ),
    "mixed with inpaint": (
        {
            "controlnet_image": prompted("ImagePrompt"),
            "inpaint_input_image": data(),
            "inpaint_mask_image_upload": data(256, 256, (60, 60, 200, 200)),
            "mixing_image_prompt_and_inpaint": True,
        },
        (256, 256),
    ),
    "upscale fast": ({"uov_input_image": data(), "uov_method": "Upscale (Fast 2x)"}, (1024, 1024)),
    "upscale custom, super large": (
        {"uov_input_image": data(800, 800), "uov_method": "Upscale (Custom)", "upscale_multiple": 3.6},
        (2880, 2880),
    ),
    "vary": ({"uov_input_image": data(), "uov_method": "Vary (Subtle)"}, (1024, 1024)),
    "vary strong": ({"uov_input_image": data(), "uov_method": "Vary (Strong)"}, (1024, 1024)),
    "upscale 1.5x": ({"uov_input_image": data(), "uov_method": "Upscale (1.5x)"}, (1024, 1024)),
    "upscale 2x": ({"uov_input_image": data(), "uov_method": "Upscale (2x)"}, (1024, 1024)),
    "upscale custom": (
        {"uov_input_image": data(768, 768), "uov_method": "Upscale (Custom)", "upscale_multiple": 1.4},
        (1072, 1072),  # 1075.2, rounded down to whole latents
    ),
    "all image prompts": (
        {"controlnet_image": prompted("ImagePrompt", "PyraCanny", "CPDS", "FaceSwap")},
        (256, 256),
    ),
    "mixed with vary": (
        {
            "controlnet_image": prompted("ImagePrompt"),
            "uov_input_image": data(),
            "uov_method": "Vary (Subtle)",
            "mixing_image_prompt_and_vary_upscale": True,
        },
        (1024, 1024),
    ),
    "mixed with upscale": (
        {
            "controlnet_image": prompted("CPDS"),
            "uov_input_image": data(),
            "uov_method": "Upscale (1.5x)",
            "mixing_image_prompt_and_vary_upscale": True,
        },
        (1024, 1024),
    ),
    "refiner": ({"refiner_model_name": "tiny_sdxl_b.safetensors", "performance_selection": "Speed"}, (256, 256)),
    "freeu": ({"freeu_enabled": True, "freeu_b1": 1.3}, (256, 256)),
    "prepared control image": (
        {
            "controlnet_image": [{"cn_img": data(256, 256, (60, 60, 190, 190)), "cn_type": "PyraCanny"}],
            "debugging_cn_preprocessor": True,
        },
        (256, 256),
    ),
    "prepared inpaint": (
        {
            "inpaint_input_image": data(),
            "inpaint_mask_image_upload": data(256, 256, (30, 30, 90, 90)),
            "debugging_inpaint_preprocessor": True,
        },
        None,
    ),
    "enhance": ({"enhance_input_image": data(), "enhance_ctrls": [enhancement("u2net")]}, (256, 256)),
    "enhance in three tabs": (
        {
            "enhance_input_image": data(),
            "enhance_ctrls": [
                enhancement("u2net_cloth_seg", enhance_mask_cloth_category="upper"),
                enhancement("isnet-general-use", enhance_mask_invert=True, enhance_inpaint_erode_or_dilate=9),
                enhancement("sam", enhance_mask_dino_prompt="a box", **SAM),
            ],
        },
        (256, 256),
    ),
    "enhance after vary": (
        {
            "enhance_input_image": data(),
            "enhance_uov_method": "Vary (Subtle)",
            "enhance_uov_processing_order": "Before First Enhancement",
            "enhance_ctrls": [enhancement("u2net")],
        },
        (1024, 1024),
    ),
    "upscale after enhance": (
        {
            "enhance_input_image": data(),
            "enhance_uov_method": "Upscale (Fast 2x)",
            "enhance_uov_processing_order": "After Last Enhancement",
            "enhance_uov_prompt_type": "Last Filled Enhancement Prompts",
            "enhance_ctrls": [enhancement("u2netp")],
        },
        (1024, 1024),
    ),
    "enhance what is drawn": (
        {"enhance_checkbox": True, "image_number": 2, "enhance_ctrls": [enhancement("u2net")]},
        (256, 256),
    ),
    "enhance masks": (
        {
            "enhance_input_image": data(),
            "enhance_ctrls": [enhancement("u2net")],
            "debugging_enhance_masks_checkbox": True,
        },
        (256, 256),
    ),
    "black out nsfw": ({"black_out_nsfw": True}, (256, 256)),
    "image grid": ({"image_number": 2, "generate_image_grid": True}, (512, 256)),
    "saved under a name": ({"save_name": "my-picture", "output_format": "webp"}, (256, 256)),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_an_image_comes_out(real_client: Client, feature: str) -> None:
    fields, size = FEATURES[feature]
    began = time.perf_counter()
    record = real_client.draw(prompt="a cat", **fields)
    seconds = time.perf_counter() - began
    assert record["task_status"] == "finished" and record["result"], record
    last = record["images"][-1]
    count = len(record["images"])
    print(f"{feature} → {seconds:.1f} s → {last['url'].rsplit('/', 1)[1]} {last['width']}x{last['height']} ({count})")
    if keep := os.environ.get("KEEP_IMAGES"):
        name = feature.replace(" ", "-").replace(",", "")
        Path(keep, f"{name}.{last['format']}").write_bytes(real_client.get(last["url"]).content)
    if size is not None:
        assert (last["width"], last["height"]) == size


CHANGES: dict[str, dict[str, Any]] = {
    **{kind: {"controlnet_image": prompted(kind)} for kind in ("ImagePrompt", "PyraCanny", "CPDS", "FaceSwap")},
    "lora": {"loras": [{"model_name": "tiny_lora.safetensors", "weight": 1.5}]},
    "checkpoint": {"base_model_name": "tiny_sdxl_b.safetensors"},
    "style": {"style_selections": ["SAI Anime"]},
    "clip skip": {"clip_skip": 5},
}


def test_what_is_asked_for_is_seen_in_the_image(real_client: Client) -> None:
    """Guard against fields without effect: the host skips much of what it can't use and generates the image all the same.

    FreeU has no visible effect with tiny weights: it changes layers of 640 and 1280 channels, and theirs have 320.
    """
    plain = picture(real_client, {})
    same = [name for name, fields in CHANGES.items() if picture(real_client, fields) == plain]
    assert same == [] and picture(real_client, {}) == plain


def picture(client: Client, fields: dict[str, Any]) -> bytes:
    (url,) = client.draw(prompt="a mill", image_seed=5, **fields)["result"]
    return PILImage.open(io.BytesIO(client.get(url).content)).convert("RGB").tobytes()


def test_the_same_seed_gives_the_same_pixels(real_client: Client) -> None:
    fields = {
        "image_seed": 42,
        "inpaint_input_image": data(),
        "inpaint_mask_image_upload": data(256, 256, (0, 0, 99, 99)),
    }
    first, second = (real_client.get(real_client.draw(**fields)["result"][0]).content for _ in range(2))
    assert PILImage.open(io.BytesIO(first)).tobytes() == PILImage.open(io.BytesIO(second)).tobytes()
