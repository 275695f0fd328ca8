"""Conversion of the host's values to JSON values, so that every database, stream and response can carry them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 20
"""Levels of lists and objects; deeper values, and thus circular ones, become text."""
MAX_REPR_LENGTH = 1000


def json_value(value: Any, depth: int = 0) -> Any:
    """Return the value reduced to null, booleans, finite numbers, well-formed text, lists and objects."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return well_formed(str.__str__(value))
    if isinstance(value, int):
        return int(value) if abs(value) < 2**64 else _text(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if depth < MAX_DEPTH:
        if isinstance(value, Mapping):
            return {_text(key): json_value(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [json_value(item, depth + 1) for item in value]
        if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):  # a number of numpy or torch
            return json_value(value.item(), MAX_DEPTH)
    return _text(value)


def well_formed(text: str) -> str:
    """Return the text with a question mark in place of each lone surrogate, which UTF-8 can't encode."""
    return text.encode("utf-8", "replace").decode()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return well_formed(str.__str__(value))
    try:
        text = str(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return well_formed(text[:MAX_REPR_LENGTH])
