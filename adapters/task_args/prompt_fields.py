"""Reads from a request's parameters what decides over its prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .lora_prompts import with_tags_applied

LORAS, PERFORMANCE, STYLES = "loras", "performance_selection", "style_selections"


@dataclass(frozen=True)
class PromptFields:
    """The fields of a request about its prompts, as the host gets them: its LoRA tags have the host's form."""

    prompt: str
    negative_prompt: str
    styles: tuple[str, ...]
    performance: str
    loras: tuple[tuple[str, float], ...]
    """The files and weights of the enabled ones."""
    increments_seed: bool
    in_order: bool
    """True if the lines of wildcards are used in order."""


def prompt_fields(parameters: Mapping[str, Any], lora_files: Iterable[str]) -> PromptFields:
    """Return the fields of a request about its prompts. Parameters may lack any of them.

    Args:
        lora_files: the host's LoRAs.
    """
    values = with_tags_applied(dict(parameters), lora_files)
    prompt = str(values.get("prompt") or "")
    if values.get("inpaint_input_image") and (more := values.get("inpaint_additional_prompt")):
        prompt = f"{more}\n{prompt}" if prompt else str(more)
    return PromptFields(
        prompt,
        str(values.get("negative_prompt") or ""),
        tuple(str(name) for name in values.get(STYLES) or ()),
        str(values.get(PERFORMANCE) or ""),
        tuple(
            (str(lora["model_name"]), float(lora["weight"]))
            for lora in values.get(LORAS) or ()
            if lora.get("enabled") and lora.get("model_name") not in (None, "None")
        ),
        not values.get("disable_seed_increment"),
        bool(values.get("read_wildcards_in_order")),
    )
