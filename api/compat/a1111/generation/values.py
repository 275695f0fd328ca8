"""Types of members that forgive as AUTOMATIC1111's do: numbers as text, whole numbers as floats, and null for the default."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticUseDefault

MAX_INTEGER = 2**63
"""Larger numbers become this one, so that they can be calculated with and written; it is beyond every limit."""
MAX_NUMBER_LENGTH = 400
"""Characters of a number that is sent as text."""
MAX_NAME_LENGTH = 2000
"""Characters of a name; no name of the host is as long, so that the rest makes no difference."""


def _given(value: Any) -> Any:
    if value is None or (
        isinstance(value, str) and value[:MAX_NUMBER_LENGTH].strip().casefold() in ("", "null", "undefined")
    ):
        raise PydanticUseDefault
    return value


def _number(value: Any) -> Any:
    value = _given(value)
    if isinstance(value, str):
        value = value[:MAX_NUMBER_LENGTH]
        try:
            value = float(value) if not value.strip().lstrip("+-").isdecimal() else int(value)
        except ValueError:
            return value
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticUseDefault
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) > MAX_INTEGER:
        return MAX_INTEGER if value > 0 else -MAX_INTEGER
    return value


def _whole(value: Any) -> Any:
    value = _number(value)
    return int(value) if isinstance(value, float) else value


def _text(value: Any) -> Any:
    if value is None:
        raise PydanticUseDefault
    return value


def _object(value: Any) -> Any:
    if value is None or value == [] or value == "":
        raise PydanticUseDefault
    return value


def _name(value: Any) -> Any:
    return value[:MAX_NAME_LENGTH] if isinstance(value, str) else None


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
