"""Reads from a request's parameters what the domain needs to know of them. Never raises: parameters may come from any program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...images.references import REFERENCE_PREFIXES, ImageReference
from ...tasks.model.workload.workload import USUAL_STEPS, ModelNeeds, Workload
from .aspect_ratios import sides_of

MODEL_FIELDS = ("base_model_name", "refiner_model_name", "vae_name")
MEGAPIXEL = 1_000_000
USUAL_SIDE = 1024
MAX_TAGS = 16
MAX_TAG_LENGTH = 64
"""Characters of the database's column."""


def workload_of(parameters: Mapping[str, Any], steps_of: Callable[[str], int | None]) -> Workload:
    """Return the workload of a request's parameters.

    Args:
        steps_of: returns the steps of a performance by its name, None for an unknown name.
    """
    return Workload(
        model_needs(parameters),
        _kind(parameters),
        _steps(parameters, steps_of),
        _megapixels(parameters),
        max(1, _whole(parameters.get("image_number"))),
        _whole(parameters.get("priority")),
        str(parameters.get("output_format") or "png"),
        str(parameters.get("prompt") or ""),
        tuple(_inputs(parameters)),
        _tags(parameters.get("tags")),
        repeated_task(parameters),
    )


def model_needs(parameters: Mapping[str, Any]) -> ModelNeeds:
    """Return the models and LoRAs that a task with these parameters needs."""
    loras = (
        (str(lora.get("model_name")), _number(lora.get("weight")))
        for lora in _dicts(parameters.get("loras"))
        if lora.get("enabled") and lora.get("model_name") not in (None, "None")
    )
    models = tuple(str(parameters.get(name) or "") for name in MODEL_FIELDS)
    # A performance such as Lightning adds its own LoRA.
    return ModelNeeds(models, frozenset(loras) | {(str(parameters.get("performance_selection")), 0.0)})


def unusable_field(parameters: Mapping[str, Any], max_model_length: int) -> str | None:
    """Return the reason why parameters that another program has stored can't be a record's; None if they can.

    Args:
        max_model_length: characters that the database takes of a model's name.
    """
    items = parameters.get("controlnet_image") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return "controlnet_image is not a list of objects"
    if len(str(parameters.get("base_model_name") or "")) > max_model_length:
        return "base_model_name is too long"
    return None


def save_name(parameters: Mapping[str, Any]) -> str:
    """Return the name that the task's images get, empty for the host's names."""
    return parameters.get("save_name") or ""


def repeated_task(parameters: Mapping[str, Any]) -> str:
    """Return the id of the task whose random state is restored, empty for none."""
    return str(parameters.get("repeat_of") or "")


def checkpoints(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the fields and the names of the checkpoints that a task loads."""
    base, refiner = (str(parameters.get(name) or "None") for name in MODEL_FIELDS[:2])
    used = zip(MODEL_FIELDS, (base, "None" if refiner == base else refiner), strict=False)
    return [(field, name) for field, name in used if name != "None"]


def vae(parameters: Mapping[str, Any], default: str) -> tuple[str, str] | None:
    """Return the field and the name of the VAE that a task loads, None for the checkpoint's own, which has the default name."""
    name = str(parameters.get(MODEL_FIELDS[2]) or default)
    return None if name == default else (MODEL_FIELDS[2], name)


def has_grid(task: Any) -> bool:
    """Return whether the host makes a grid of a task's images, for which it reads their files before the task ends.

    Args:
        task: the host's AsyncTask.
    """
    return bool(getattr(task, "generate_image_grid", False))


def upscale_factor(parameters: Mapping[str, Any]) -> float:
    """Return the factor of a custom upscale."""
    return parameters.get("upscale_multiple") or 1.0


def _steps(parameters: Mapping[str, Any], steps_of: Callable[[str], int | None]) -> int:
    overwritten = _whole(parameters.get("overwrite_step"))
    if overwritten > 0:
        return overwritten
    return steps_of(str(parameters.get("performance_selection") or "")) or USUAL_STEPS


def _kind(parameters: Mapping[str, Any]) -> str:
    for name in ("enhance_input_image", "uov_input_image", "inpaint_input_image"):
        if parameters.get(name):
            return str(parameters.get("uov_method")) if name.startswith("uov") else name
    return "text" if not parameters.get("controlnet_image") else "images"


def _megapixels(parameters: Mapping[str, Any]) -> float:
    """Return the megapixels of a requested image. Work at another size has its own kind (`_kind`)."""
    width, height = _whole(parameters.get("overwrite_width")), _whole(parameters.get("overwrite_height"))
    sides = sides_of(str(parameters.get("aspect_ratios_selection") or "")) or (USUAL_SIDE, USUAL_SIDE)
    return max((width if width > 0 else sides[0]) * (height if height > 0 else sides[1]), 1) / MEGAPIXEL


def _inputs(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the file names of the inputs that parameters refer to, at any depth."""
    for value in parameters.values():
        if isinstance(value, str):
            if not value.startswith(REFERENCE_PREFIXES):
                continue
            reference = ImageReference.parse(value)
            if reference is not None and reference.kind == "inputs":
                yield reference.name
        elif isinstance(value, list):  # most values are numbers, and a restart reads thousands of requests
            for item in _dicts(value):
                yield from _inputs(item)


def _tags(value: Any) -> tuple[str, ...]:
    tags = value[:MAX_TAGS] if isinstance(value, list) else []
    return tuple(dict.fromkeys(tag[:MAX_TAG_LENGTH] for tag in tags if isinstance(tag, str)))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _number(value: Any) -> float:
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        return 0.0


def _whole(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
