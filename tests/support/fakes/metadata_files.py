"""Writers of image files with parameters, as Fooocus's versions, its forks and other programs write them."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

from PIL import Image as PILImage
from PIL.PngImagePlugin import PngInfo

SOFTWARE, EXIF_IFD, MAKER_NOTE, USER_COMMENT = 0x0131, 0x8769, 0x927C, 0x9286
PROMPT, NEGATIVE, SEED = "a tin robot, waving", "fog", 7_304_116_981_347_742_011
SIZE = (64, 48)
RESOLVED = f"etching of {PROMPT}. fine lines"
MODEL, MODEL_HASH = "demo_daylight", "0f1e2d3c4b"


def png(texts: dict[str, str], size: tuple[int, int] = SIZE) -> bytes:
    """Return a PNG with these text chunks."""
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    return _saved("PNG", size, pnginfo=info)


def with_exif(
    image_format: str, main: dict[int, Any], camera: dict[int, Any] | None = None, size: tuple[int, int] = SIZE
) -> bytes:
    """Return a JPEG or WebP with EXIF tags in the main directory and in the camera's."""
    exif = PILImage.Exif()
    exif.update(main)
    if camera:
        exif[EXIF_IFD] = camera
    return _saved(image_format, size, exif=exif)


def with_comment(image_format: str, text: str) -> bytes:
    """Return a JPEG or GIF with a comment."""
    return _saved(image_format, SIZE, comment=text.encode("utf-8"))


def _saved(image_format: str, size: tuple[int, int], **options: Any) -> bytes:
    buffer = io.BytesIO()
    PILImage.new("RGB", size, "teal").save(buffer, image_format, **options)
    return buffer.getvalue()


def by_fooocus(text: str, scheme: str, image_format: str = "PNG", version: str = "2.5.5") -> bytes:
    """Return a file in which Fooocus has put a text: as chunks of a PNG, else as tags of the main directory."""
    if image_format == "PNG":
        return png({"parameters": text, "fooocus_scheme": scheme})
    tags = {USER_COMMENT: text, MAKER_NOTE: scheme, SOFTWARE: f"Fooocus v{version}"}
    return with_exif(image_format, tags)


def fooocus_values(version: str) -> dict[str, Any]:
    """Return the object of Fooocus's own scheme as a version writes it."""
    values: dict[str, Any] = {
        "adm_guidance": "(1.4, 0.7, 0.2)",
        "base_model": MODEL,
        "base_model_hash": MODEL_HASH,
        "full_negative_prompt": ["blots", NEGATIVE],
        "full_prompt": [RESOLVED],
        "guidance_scale": 5.5,
        "lora_combined_1": "demo_warm_light : 0.4",
        "loras": [["demo_warm_light", 0.4, "aabbccddee"]],
        "negative_prompt": NEGATIVE,
        "performance": "Speed",
        "prompt": PROMPT,
        "prompt_expansion": "",
        "refiner_model": "None",
        "refiner_switch": 0.5,
        "resolution": "(1152, 896)",
        "sampler": "euler",
        "scheduler": "simple",
        "seed": SEED if version.startswith("2.2") else str(SEED),
        "sharpness": 3.5,
        "steps": 30,
        "styles": "['Fooocus Sharp']",
        "version": f"Fooocus v{version}",
    }
    if version >= "2.2.1":
        values["metadata_scheme"] = "fooocus"
    if version >= "2.4":
        values |= {"vae": "Default (model)", "clip_skip": 2}
    return values


def fooocus_text(version: str, /, **changes: Any) -> str:
    return json.dumps({key: value for key, value in (fooocus_values(version) | changes).items() if value is not None})


def a1111_line(version: str, **changes: str) -> str:
    """Return Fooocus's text in A1111's notation as a version writes it."""
    lora = "demo_warm_light: aabbccddee: 0.4" if version < "2.3.1" else "demo_warm_light: aabbccddee"
    pairs = {
        "Steps": "30",
        "Sampler": "DPM++ 2M SDE Karras",
        "Seed": str(SEED),
        "Size": "1152x896",
        "CFG scale": "5.5",
        "Sharpness": "3.5",
        "ADM Guidance": '"(1.4, 0.7, 0.2)"',
        "Model": MODEL,
        "Model hash": MODEL_HASH,
        "Performance": "Speed",
        "Scheduler": "karras",
        "Raw prompt": json.dumps(PROMPT),
        "Raw negative prompt": NEGATIVE,
        "Lora hashes": f'"{lora}"',
    }
    if version >= "2.4":
        pairs |= {"VAE": "Default (model)", "Clip skip": "2"}
    if version >= "2.3.1":
        pairs["Lora weights"] = '"demo_warm_light: 0.4"'
    pairs |= {"Version": f"Fooocus v{version}", **changes}
    line = ", ".join(f"{key}: {value}" for key, value in pairs.items())
    return f"{RESOLVED}\nNegative prompt: blots, {NEGATIVE}\n{line}"


def log_entry() -> dict[str, Any]:
    """Return an entry of the log of Fooocus 2.1, which has labels as keys, a number as seed and file names."""
    return {
        "Prompt": PROMPT,
        "Negative Prompt": NEGATIVE,
        "Fooocus V2 Expansion": "",
        "Styles": "['Fooocus Sharp']",
        "Performance": "Speed",
        "Resolution": "(1152, 896)",
        "Guidance Scale": 5.5,
        "Sharpness": 3.5,
        "ADM Guidance": "(1.4, 0.7, 0.2)",
        "Base Model": f"{MODEL}.safetensors",
        "Refiner Model": "None",
        "Refiner Switch": 0.5,
        "Sampler": "euler",
        "Scheduler": "simple",
        "Seed": SEED,
        "LoRA 1": "demo_warm_light.safetensors : 0.4",
        "Version": "v2.1.865",
    }


def plus_values() -> dict[str, Any]:
    """Return FooocusPlus's object: the log's labels, without the LoRA's ending."""
    return log_entry() | {
        "Backend Engine": "SDXL-Fooocus",
        "CLIP Skip": 2,
        "Metadata Scheme": "Fooocus",
        "Steps": 30,
        "User": "FooocusPlus",
        "VAE": "Default (model)",
        "Version": "FooocusPlus 1.0.0",
    }


RUINED = {
    "Prompt": PROMPT,
    "Negative": NEGATIVE,
    "steps": 30,
    "cfg": 5.5,
    "width": 1152,
    "height": 896,
    "seed": SEED,
    "sampler_name": "euler",
    "scheduler": "simple",
    "base_model_name": f"{MODEL}.safetensors",
    "base_model_hash": MODEL_HASH * 2,
    "loras": [["aabbccddee" * 2, "0.4 - demo_warm_light.safetensors"]],
    "clip_skip": 2,
    "denoise": 0.9,
    "software": "RuinedFooocus",
}
MRE = {
    "prompt": PROMPT,
    "negative_prompt": NEGATIVE,
    "real_prompt": [RESOLVED],
    "styles": ["Fooocus Sharp"],
    "seed": SEED,
    "width": 1152,
    "height": 896,
    "sampler": "euler",
    "scheduler": "simple",
    "performance": "Speed",
    "steps": 30,
    "switch": 20,
    "sharpness": 3.5,
    "cfg": 5.5,
    "base_clip_skip": -2,
    "base_model": f"{MODEL}.safetensors",
    "refiner_model": "None",
    "loras": [["demo_warm_light.safetensors", 0.4]],
    "input_image_filename": "cat.png",
}
INVOKE = {
    "app_version": "5.6.0",
    "generation_mode": "sdxl_txt2img",
    "positive_prompt": PROMPT,
    "negative_prompt": NEGATIVE,
    "width": 1152,
    "height": 896,
    "seed": SEED,
    "cfg_scale": 5.5,
    "steps": 30,
    "scheduler": "dpmpp_2m_sde_k",
    "model": {"name": MODEL, "base": "sdxl"},
    "loras": [{"model": {"name": "demo_warm_light"}, "weight": 0.4}],
    "seamless_x": True,
}
TAGGED = f"{PROMPT} <lora:demo_warm_light:0.4>"
A1111 = f"""{TAGGED}
second line
Negative prompt: {NEGATIVE}
Steps: 30, Sampler: DPM++ 2M SDE, Schedule type: Karras, CFG scale: 5.5, Seed: {SEED}, Size: 1152x896, \
Model hash: {MODEL_HASH}, Model: {MODEL}, Denoising strength: 0.4, Clip skip: 2, Hires resize: 1248x1824, \
Hires prompt: "a \\"robot\\",\\nSteps: 2, Seed: 3", Lora hashes: "demo_warm_light: 0123456789ab", \
Refiner: demo_nightfall [abcdef0123], Refiner switch at: 0.8, Version: v1.10.1"""
OLD_A1111 = f"{PROMPT}\nSteps: 30, Sampler: DPM++ 2M Karras, CFG scale: 5.5, Seed: {SEED}, Size: 1152x896"
FORGE = f"""{PROMPT}
Steps: 30, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: {SEED}, Size: 1152x896, \
Model: flux1-dev, Module 1: ae, Version: f2.0.1v1.10.1-previous-1-g0a1b2c3"""
CIVITAI = f"""{PROMPT}
Negative prompt: {NEGATIVE}
Steps: 30, CFG scale: 5.5, Sampler: Euler a, Seed: {SEED}, Size: 1152x896, Clip skip: 2, \
Created Date: 2025-01-02T03:04:05.0000000Z, Civitai resources: \
[{{"type":"checkpoint","modelVersionId":1,"modelName":"a, b: [c]"}}], Civitai metadata: {{}}"""
SD_NEXT = f"""{PROMPT}
Negative prompt: {NEGATIVE}
Steps: 30, Seed: {SEED}, Sampler: DPM++ 3M SDE, CFG scale: 5.5, Size: 1152x896, Parser: Full parser, Model: {MODEL}, \
Model hash: {MODEL_HASH}, VAE: TAESD, Clip skip: 2, App: SD.Next, Version: 0a1b2c3, Comment: , Operations: none"""


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(*chunks: bytes) -> bytes:
    """Return a PNG with these chunks after its header."""
    plain = png({})
    return plain[:33] + b"".join(chunks) + plain[33:]
