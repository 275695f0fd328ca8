"""JSON of programs that descend from Fooocus and have keys of their own: RuinedFooocus and Fooocus-MRE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import values
from .found import FoundLora, Generator, Metadata
from .settings import fill, note

RUINED = {
    "Prompt": "prompt",
    "Negative": "negative_prompt",
    "steps": "steps",
    "cfg": "guidance_scale",
    "width": "width",
    "height": "height",
    "seed": "seed",
    "sampler_name": "sampler",
    "scheduler": "scheduler",
    "base_model_name": "base_model",
    "base_model_hash": "base_model_hash",
    "clip_skip": "clip_skip",
}
MRE = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "real_prompt": "full_prompt",
    "real_negative_prompt": "full_negative_prompt",
    "styles": "styles",
    "performance": "performance",
    "steps": "steps",
    "width": "width",
    "height": "height",
    "cfg": "guidance_scale",
    "sharpness": "sharpness",
    "sampler": "sampler",
    "scheduler": "scheduler",
    "seed": "seed",
    "base_model": "base_model",
    "refiner_model": "refiner_model",
    "switch": "overwrite_switch",
}
_NOT_NEEDED = {"software", "loras", "base_clip_skip", "refiner_clip_skip"}


def is_ruined(content: Mapping[str, Any]) -> bool:
    """Return whether an object is RuinedFooocus's."""
    return content.get("software") == "RuinedFooocus" or ("Prompt" in content and "base_model_name" in content)


def is_mre(content: Mapping[str, Any]) -> bool:
    """Return whether an object is Fooocus-MRE's."""
    return "prompt" in content and bool({"real_prompt", "base_clip_skip"} & set(content))


def read_ruined(content: Mapping[str, Any], found: Metadata) -> None:
    """Set the parameters of an object of RuinedFooocus."""
    found.describe(generator=Generator("RuinedFooocus"))
    _read(content, RUINED, found)
    loras = [lora for item in _items(content) if (lora := _ruined_lora(item)) is not None and lora.name != "None"]
    found.parameters.set(loras=loras)


def read_mre(content: Mapping[str, Any], found: Metadata) -> None:
    """Set the parameters of an object of Fooocus-MRE."""
    found.describe(generator=Generator("Fooocus-MRE"))
    _read(content, MRE, found)
    skip = content.get("base_clip_skip")
    if type(skip) is int and skip:
        found.parameters.set(clip_skip=abs(skip))  # MRE counts from the last layer: -2 is Fooocus's 2
    loras = [
        FoundLora(item[0], float(item[1]))
        for item in _items(content)
        if len(item) >= 2 and isinstance(item[0], str) and isinstance(item[1], int | float) and item[0] != "None"
    ]
    found.parameters.set(loras=loras)


def _read(content: Mapping[str, Any], names: Mapping[str, str], found: Metadata) -> None:
    found.describe(by_fooocus=True)
    fill(found, names, content)
    for key, value in content.items():
        if key not in names and key not in _NOT_NEEDED:
            note(found, key, value)


def _items(content: Mapping[str, Any]) -> list[list[Any]]:
    listed = content.get("loras")
    return [item for item in listed[: values.MAX_ITEMS] if isinstance(item, list)] if isinstance(listed, list) else []


def _ruined_lora(item: list[Any]) -> FoundLora | None:
    """Return the LoRA in an entry `[sha256, "0.5 - name"]`."""
    if len(item) < 2 or not isinstance(item[1], str):
        return None
    weight, dash, name = item[1].partition(" - ")
    try:
        return FoundLora(name, values.number(weight), str(item[0]) or None) if dash and name else None
    except values.WrongValue:
        return None
