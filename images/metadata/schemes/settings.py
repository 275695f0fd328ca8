"""Fills parameters from a file's keys and values, and notes the values that fit none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from . import values
from .found import Metadata, Unmapped

READERS: dict[str, Callable[[Any], Any]] = {
    "prompt": values.text,
    "negative_prompt": values.text,
    "prompt_expansion": values.text,
    "full_prompt": values.lines,
    "full_negative_prompt": values.lines,
    "styles": values.names,
    "performance": values.name,
    "steps": values.whole,
    "width": values.whole,
    "height": values.whole,
    "guidance_scale": values.number,
    "sharpness": values.number,
    "adm_guidance": partial(values.several, 3),
    "base_model": values.name,
    "base_model_hash": values.name,
    "refiner_model": values.name,
    "refiner_model_hash": values.name,
    "refiner_switch": values.number,
    "overwrite_switch": values.whole,
    "refiner_swap_method": values.name,
    "adaptive_cfg": values.number,
    "clip_skip": values.whole,
    "sampler": values.name,
    "scheduler": values.name,
    "vae": values.name,
    "seed": values.digits,
    "freeu": partial(values.several, 4),
    "created_by": values.name,
}
"""Parameter → the reader of its values, which raises WrongValue."""
MAX_REST = 100
"""Values without a parameter that are kept."""
MAX_VALUE_LENGTH = 1000
"""Characters of such a value."""
NO_PARAMETER = "no setting of Fooocus stands for it"


def fill(found: Metadata, keys: Mapping[str, str], given: Mapping[str, Any]) -> None:
    """Set the parameters that `keys` names, a key of the file → parameter, to the given values."""
    for key, parameter in keys.items():
        if key not in given or (value := given[key]) is None:
            continue
        try:
            found.parameters.set(**{parameter: READERS[parameter](value)})
        except values.WrongValue as error:
            if value not in ("", []):
                note(found, key, value, f"the value {error}")


def fill_size(found: Metadata, key: str, given: Mapping[str, Any]) -> None:
    """Set width and height from one value."""
    if given.get(key) in (None, ""):
        return
    try:
        width, height = values.size(given[key])
        found.parameters.set(width=width, height=height)
    except values.WrongValue as error:
        note(found, key, given[key], f"the value {error}")


def note(found: Metadata, key: str, value: Any, reason: str = NO_PARAMETER) -> None:
    """Note a value that no parameter has."""
    if len(found.rest) >= MAX_REST or value in (None, "", [], {}):
        return
    if isinstance(value, str):
        value = value[:MAX_VALUE_LENGTH]
    elif isinstance(value, dict | list) and len(str(value)) > MAX_VALUE_LENGTH:
        value = str(value)[:MAX_VALUE_LENGTH]
    found.rest.append(Unmapped(key[:100], value, reason))
