"""Types of members that forgive as AUTOMATIC1111's do: numbers as text, whole numbers as floats, and null for the default."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticUseDefault

MAX_INTEGER = 2**63


def _given(value: Any) -> Any:
    if value is None or (isinstance(value, str) and value.strip().casefold() in ("", "null", "undefined")):
        raise PydanticUseDefault
    return value


def _number(value: Any) -> Any:
    value = _given(value)
    if isinstance(value, str):
        try:
            value = float(value) if not value.strip().lstrip("+-").isdecimal() else int(value[:40])
        except ValueError:
            return value
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticUseDefault
    return value


def _whole(value: Any) -> Any:
    value = _number(value)
    return int(value) if isinstance(value, float) and abs(value) < MAX_INTEGER else value


def _text(value: Any) -> Any:
    if value is None:
        raise PydanticUseDefault
    return value


def _object(value: Any) -> Any:
    if value is None or value == [] or value == "":
        raise PydanticUseDefault
    return value


def _name(value: Any) -> Any:
    return value if isinstance(value, str) else None


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_number)]
Flag = Annotated[bool, BeforeValidator(_given)]
Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str | None, BeforeValidator(_name)]
"""A name; None for a number, as versions before 2023 sent."""
Object = Annotated[dict[str, Any], BeforeValidator(_object)]
OptionalWhole = Annotated[int | None, BeforeValidator(_whole)]
OptionalNumber = Annotated[float | None, BeforeValidator(_number)]


def clamped(value: float, low: float, high: float) -> float:
    """Return the nearest value within a range."""
    return min(max(value, low), high)
