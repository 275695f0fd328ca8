"""Fooocus's own JSON: with short keys in images since 2.2, with the log's labels in older logs, FooocusPlus and RuinedFooocus."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import values
from .found import FoundLora, Generator, Metadata
from .settings import READERS, fill, fill_size, note

Entry = tuple["float | None", "str | None"]
"""Weight and hash of a LoRA."""
LABELS = {
    "Prompt": "prompt",
    "Negative Prompt": "negative_prompt",
    "Fooocus V2 Expansion": "prompt_expansion",
    "Full Prompt": "full_prompt",
    "Full Negative Prompt": "full_negative_prompt",
    "Styles": "styles",
    "Performance": "performance",
    "Steps": "steps",
    "Guidance Scale": "guidance_scale",
    "Sharpness": "sharpness",
    "ADM Guidance": "adm_guidance",
    "Base Model": "base_model",
    "Base Model Hash": "base_model_hash",
    "Refiner Model": "refiner_model",
    "Refiner Model Hash": "refiner_model_hash",
    "Refiner Switch": "refiner_switch",
    "Overwrite Switch": "overwrite_switch",
    "Refiner Swap Method": "refiner_swap_method",
    "CFG Mimicking from TSNR": "adaptive_cfg",
    "CLIP Skip": "clip_skip",
    "Sampler": "sampler",
    "Scheduler": "scheduler",
    "VAE": "vae",
    "Seed": "seed",
    "FreeU": "freeu",
}
"""Label of the log → parameter."""
SHORT = {name: name for name in READERS if name not in ("width", "height")}
"""Key in an image → parameter."""
OF_THE_FILE = {
    "resolution",
    "Resolution",
    "loras",
    "LoRAs",
    "version",
    "Version",
    "metadata_scheme",
    "Metadata Scheme",
    "User",
    "Full raw prompt",
    "full_raw_prompt",
}
"""Keys that are read on their own, or that describe the file."""
_LORA_KEY = re.compile(r"(?:lora_combined_|LoRA )(\d{1,3})")
_VERSION = re.compile(r"(.*?)\s*\bv?(\d[^\s]*.*)")
HOST = "Fooocus"


def is_short(content: Mapping[str, Any]) -> bool:
    """Return whether an object has the keys of Fooocus's images."""
    return len({"base_model", "performance", "adm_guidance", "full_prompt", "metadata_scheme"} & set(content)) >= 2


def is_labelled(content: Mapping[str, Any]) -> bool:
    """Return whether an object has the labels of Fooocus's log."""
    return len({"Prompt", "Base Model", "Performance", "Resolution", "ADM Guidance"} & set(content)) >= 2


def is_plus(content: Mapping[str, Any]) -> bool:
    """Return whether an object with labels is FooocusPlus's."""
    plus = ("Version", "User", "Backend Engine")
    return "Backend Engine" in content or any("FooocusPlus" in str(content.get(key, ""))[:200] for key in plus)


def read_fooocus(content: Mapping[str, Any], found: Metadata) -> None:
    """Set the parameters of an object with short keys or labels."""
    found.describe(by_fooocus=True)
    for names, resolution in ((LABELS, "Resolution"), (SHORT, "resolution")):
        fill(found, names, content)
        fill_size(found, resolution, content)
    found.parameters.set(loras=_loras(content, found))
    found.describe(generator=generator_of(content.get("version", content.get("Version")), found.generator))
    for key, value in content.items():
        if key not in LABELS and key not in SHORT and key not in OF_THE_FILE and not _LORA_KEY.fullmatch(key):
            note(found, key, value)


def generator_of(version: Any, otherwise: Generator) -> Generator:
    """Return the program and its version by a text such as `Fooocus v2.5.5`."""
    if not isinstance(version, str) or not version.strip():
        return otherwise
    match = _VERSION.fullmatch(version.strip()[:200])
    if match is None:
        return Generator(version.strip()[:200], None)
    return Generator(match[1].strip() or HOST, match[2])


def _loras(content: Mapping[str, Any], found: Metadata) -> list[FoundLora]:
    hashes = _hashes(content)
    slots = sorted((int(match[1]), key) for key in content if (match := _LORA_KEY.fullmatch(key)))
    loras = []
    for _, key in slots:
        try:
            loras.append(_combined(values.text(content[key]), hashes))
        except values.WrongValue as error:
            note(found, key, content[key], f"the value {error}")
    if slots:
        return [lora for lora in loras if lora.name != "None"]
    return [FoundLora(name, *entry) for name, entries in hashes.items() for entry in entries if name != "None"]


def _combined(written: str, hashes: Mapping[str, list[Entry]]) -> FoundLora:
    """Return the LoRA in a text like `name : 0.5` or `True : name : 0.5`. Files of one name in two folders come in order."""
    parts = written.split(" : ")
    enabled = parts[0] != "False"
    if len(parts) > 2 and parts[0] in ("True", "False"):
        del parts[0]
    name, weight = " : ".join(parts[:-1]).strip(), parts[-1]
    if not name:
        raise values.WrongValue("is not a LoRA with its weight")
    entries = hashes.get(name) or [(None, None)]
    _, digest = entries.pop(0) if len(entries) > 1 else entries[0]
    return FoundLora(name, values.number(weight), digest, enabled)


def _hashes(content: Mapping[str, Any]) -> dict[str, list[Entry]]:
    """Return the entries `[name, weight, hash]` of `loras` by name."""
    found: dict[str, list[Entry]] = {}
    listed = content.get("loras", content.get("LoRAs"))
    for item in listed[: values.MAX_ITEMS] if isinstance(listed, list) else ():
        if not isinstance(item, list) or len(item) < 2 or not isinstance(item[0], str):
            continue
        try:
            weight: float | None = values.number(item[1])
        except values.WrongValue:
            weight = None
        digest = item[2] if len(item) > 2 and isinstance(item[2], str) else None
        found.setdefault(item[0], []).append((weight, digest))
    return found
