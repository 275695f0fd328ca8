"""JSON of programs that are no relatives of Fooocus. InvokeAI's is read; the others' is recognised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import values
from .found import FoundLora, Generator, Metadata
from .settings import fill, note

INVOKE = {
    "positive_prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "width": "width",
    "height": "height",
    "seed": "seed",
    "steps": "steps",
    "cfg_scale": "guidance_scale",
}
_INVOKE_FILE = {"app_version", "generation_mode", "scheduler", "model", "vae", "loras", "rand_device"}
_KARRAS = "_k"
"""Ending of InvokeAI's samplers with Karras's schedule."""


def is_invoke(content: Mapping[str, Any]) -> bool:
    """Return whether an object is InvokeAI's, of version 3 or later."""
    return "positive_prompt" in content and bool({"generation_mode", "cfg_scale", "app_version"} & set(content))


def read_invoke(content: Mapping[str, Any], found: Metadata) -> None:
    """Set the parameters of an object of InvokeAI."""
    version = content.get("app_version")
    found.describe(generator=Generator("InvokeAI", version[:50] if isinstance(version, str) else None))
    fill(found, INVOKE, content)
    parameters = found.parameters
    sampler = content.get("scheduler")
    if isinstance(sampler, str) and sampler:
        scheduler = "karras" if sampler.endswith(_KARRAS) else "normal"
        parameters.set(sampler=sampler.removesuffix(_KARRAS), scheduler=scheduler)
    parameters.set(base_model=_model_name(content.get("model")), vae=_model_name(content.get("vae")))
    listed = content.get("loras")
    loras = []
    for item in listed[: values.MAX_ITEMS] if isinstance(listed, list) else ():
        if isinstance(item, dict) and (name := _model_name(item.get("model", item.get("lora")))):
            weight = item.get("weight")
            loras.append(FoundLora(name, float(weight) if isinstance(weight, int | float) else None))
    parameters.set(loras=loras)
    for key, value in content.items():
        if key not in INVOKE and key not in _INVOKE_FILE and value != 0:
            note(found, key, value)


def program_of(key: str, content: Mapping[str, Any]) -> str | None:
    """Return the scheme of an object that is only recognised, by its key in the file and its own keys; None if unknown."""
    if "sui_image_params" in content:
        return "swarmui"
    if key in ("sd-metadata", "dream"):
        return "invokeai"
    if "uc" in content and "sampler" in content:
        return "novelai"
    nodes = content.get("nodes") if key != "prompt" else list(content.values())
    if isinstance(nodes, list) and any(isinstance(node, dict) and {"class_type", "type"} & set(node) for node in nodes):
        return "comfyui"
    return None


PROGRAMS = {"swarmui": "SwarmUI", "novelai": "NovelAI", "comfyui": "ComfyUI", "invokeai": "InvokeAI"}
"""Scheme → the program's name."""


def _model_name(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("model_name", value.get("name"))
    return value if isinstance(value, str) and value else None
