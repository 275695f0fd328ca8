"""Rewrites the LoRA tags in a request's prompts to the form that Fooocus reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...tasks.model.workload.lora_tags import TAG, LoraFiles, rewritten


def with_tags_applied(parameters: dict[str, Any], files: Iterable[str]) -> dict[str, Any]:
    """Return a request's parameters with the tags of its prompts rewritten for Fooocus, unchanged without any tags."""
    controls = parameters.get("enhance_ctrls") or []
    names = _joined(parameters)
    texts = [*(parameters[name] for name in names), *(control.get("enhance_prompt") or "" for control in controls)]
    if not any(TAG.search(text) for text in texts):
        return parameters
    known = LoraFiles(files)
    changed: dict[str, Any] = dict(zip(names, rewritten([parameters[name] for name in names], known), strict=True))
    if controls:
        changed["enhance_ctrls"] = [
            {**control, "enhance_prompt": rewritten([control["enhance_prompt"]], known)[0]}
            if control.get("enhance_prompt")
            else control
            for control in controls
        ]
    return {**parameters, **changed}


def _joined(parameters: Mapping[str, Any]) -> list[str]:
    """Return the names of the prompts that Fooocus joins, in Fooocus's order."""
    names = ["inpaint_additional_prompt"] if parameters.get("inpaint_input_image") else []
    return [name for name in (*names, "prompt") if parameters.get(name)]
