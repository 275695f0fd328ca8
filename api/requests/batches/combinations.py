"""One request with lists to combine: the lists of one object are paired, and the objects are multiplied."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product, repeat
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ....asgi.error_codes import FieldErrorCode
from ...responses.problems import MAX_ERRORS, FieldError, InvalidFields
from ..parameter_names import unknown_name
from .images import BatchImages
from .json_lines import MAX_LINE_BYTES
from .row_errors import LONG_REMEDY, MAX_ROWS, RawRow

RANGE = {"from", "to", "step"}
MAX_AXES = 20
MAX_NUMBER = 2**63
"""The bound of the numbers of a range, which is above each seed."""
MAX_NUMBER_LENGTH = 32
"""Bytes."""
MAX_SHOWN = 10**15
"""Numbers above it are not written out, as they may have thousands of digits."""


class Combination(BaseModel):
    """The body of a batch in JSON: a request, and the lists of values to combine with it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "anyOf": [
                {"properties": {"request": {"minProperties": 1}}, "required": ["request"]},
                {"properties": {"combine": {"minItems": 1}}, "required": ["combine"]},
            ]
        },
    )

    request: dict[str, Any] = Field(
        default={},
        description="The body of a generate request, whose fields all rows have.",
        examples=[{"prompt": "a cat"}],
    )
    combine: list[Annotated[dict[str, Any], Field(json_schema_extra={"minProperties": 1})]] = Field(
        default=[],
        max_length=MAX_AXES,
        description="Objects of lists by field, or of ranges `{from, to, step}`. Lists of one object have the same length and "
        "are paired; the objects are multiplied, and the last one changes fastest.",
        examples=[[{"prompt": ["a cat", "a dog"]}, {"image_seed": {"from": 1, "to": 3}}]],
    )
    repeat: int = Field(
        default=1, ge=1, le=MAX_ROWS, description="The number of times that each combination is generated."
    )


def combinations(content: Combination, known: Sequence[str], images: BatchImages) -> Iterator[RawRow]:
    """Return the rows, which are counted before any is made.

    Args:
        known: the names of a request's fields.
        images: resolves the images that are sent as texts, each once.

    Raises:
        InvalidFields: names the first wrong lists, the number of combinations, an unusable image, or the length of a row.
    """
    if not content.request and not content.combine:
        raise InvalidFields(
            [_error("request", FieldErrorCode.REQUIRED, "is empty, and so is combine; give one of them")]
        )
    errors: list[FieldError] = []
    unknown = sum(name not in known for name in content.request)
    if unknown > MAX_ERRORS:
        message = f"has {unknown:,} unknown fields; omit them"
        errors.append(_error("request", FieldErrorCode.UNKNOWN_FIELD, message))
    axes = [_axis(index, axis, known, errors) for index, axis in enumerate(content.combine)]
    seen: set[str] = set(content.request)
    for index, axis in enumerate(content.combine):
        for name in axis:
            if name in seen:
                message = "is given in request or another object, too; keep one of them"
                errors.append(_error(f"combine[{index}].{name}", FieldErrorCode.DUPLICATE, message))
        seen |= set(axis)
    if errors:
        raise InvalidFields(errors)
    lengths = [next(iter(axis.values())).length for axis in axes]
    number = math.prod(lengths) * content.repeat
    if number > MAX_ROWS:
        factors = " × ".join(map(_shown, (length for length in [*lengths, content.repeat] if length > 1)))
        message = f"{factors} is {_shown(number)} combinations; at most {MAX_ROWS:,} are allowed"
        raise InvalidFields([_error("combine", FieldErrorCode.WRONG_COUNT, message)])
    request = {name: images.shortened(name, value, f"request.{name}") for name, value in content.request.items()}
    axes = [
        {name: values.shortened(images, name, f"combine[{index}].{name}") for name, values in axis.items()}
        for index, axis in enumerate(axes)
    ]
    _check_length(request, axes)
    return _rows(request, axes, content.repeat)


def _check_length(request: dict[str, Any], axes: list[dict[str, _Values]]) -> None:
    """Refuse rows that would be too long for a line of a file.

    Raises:
        InvalidFields: the longest row is.
    """
    length = _length(request)
    field = "request" if length > MAX_LINE_BYTES else "combine"
    for axis in axes:
        length += max(map(sum, zip(*(values.lengths() for values in axis.values()), strict=True)))
    if length > MAX_LINE_BYTES:
        message = f"makes a row that is longer than {MAX_LINE_BYTES // 2**10} KiB as JSON; {LONG_REMEDY}"
        raise InvalidFields([_error(field, FieldErrorCode.TOO_LONG, message)])


def _length(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _rows(request: dict[str, Any], axes: list[dict[str, _Values]], times: int) -> Iterator[RawRow]:
    number = 0
    for places in product(*(range(next(iter(axis.values())).length) for axis in axes)):
        chosen = {
            name: values.at(place) for axis, place in zip(axes, places, strict=True) for name, values in axis.items()
        }
        for _ in range(times):
            number += 1
            yield RawRow(number, None, {**request, **chosen})


class _Values:
    """The values of one field: a list, or a range that is never written out."""

    def __init__(
        self, length: int, items: Sequence[Any] = (), first: Fraction = Fraction(), step: Fraction = Fraction()
    ) -> None:
        self.length = length
        self._items = items
        self._first = first
        self._step = step

    def shortened(self, images: BatchImages, name: str, field: str) -> _Values:
        """Return the values with references in place of long images. Raises as `BatchImages.shortened` does."""
        items = [images.shortened(name, item, f"{field}[{place}]") for place, item in enumerate(self._items)]
        return _Values(self.length, items, self._first, self._step)

    def lengths(self) -> Iterator[int]:
        """Return each value's bytes as JSON; of a range, as many as a number may have."""
        if not self._items:
            return repeat(MAX_NUMBER_LENGTH, self.length)
        return map(_length, self._items)

    def at(self, place: int) -> Any:
        if self._items:
            return self._items[place]
        value = self._first + self._step * place
        return value.numerator if value.denominator == 1 else float(value)


def _axis(index: int, axis: dict[str, Any], known: Sequence[str], errors: list[FieldError]) -> dict[str, _Values]:
    found: dict[str, _Values] = {}
    if not axis:
        errors.append(
            _error(f"combine[{index}]", FieldErrorCode.WRONG_COUNT, "has no list; give one, or omit the object")
        )
    for name, given in axis.items():
        if len(errors) >= MAX_ERRORS:  # the search for similar names takes a millisecond for each
            break
        field = f"combine[{index}].{name}"
        if name not in known:
            error = unknown_name(name, known, "field")
            errors.append(error.model_copy(update={"field": f"combine[{index}].{error.field}"}))
            continue
        values = _values(field, given)
        if isinstance(values, FieldError):
            errors.append(values)
        else:
            found[name] = values
    if len({values.length for values in found.values()}) > 1:
        lengths = ", ".join(f"{name} has {values.length}" for name, values in found.items())
        message = f"lists of one object are paired and must have the same length: {lengths}; to multiply them, use two objects"
        errors.append(_error(f"combine[{index}]", FieldErrorCode.WRONG_COUNT, message))
    return found


def _values(field: str, given: Any) -> _Values | FieldError:
    if isinstance(given, list):
        if not given:
            return _error(field, FieldErrorCode.WRONG_COUNT, "must have at least one value")
        return _Values(len(given), given)
    if isinstance(given, dict) and {"from", "to"} <= set(given) <= RANGE:
        return _range(field, given)
    return _error(
        field, FieldErrorCode.WRONG_TYPE, 'must be a list of values, or a range as in {"from": 1, "to": 10, "step": 1}'
    )


def _range(field: str, given: dict[str, Any]) -> _Values | FieldError:
    numbers = [given["from"], given["to"], given.get("step", 1)]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers):
        return _error(field, FieldErrorCode.WRONG_TYPE, "from, to and step must be numbers")
    if not all(abs(value) <= MAX_NUMBER for value in numbers):
        return _error(
            field, FieldErrorCode.OUT_OF_RANGE, f"from, to and step must be between -{MAX_NUMBER} and {MAX_NUMBER}"
        )
    first, last, step = (Fraction(str(value)) for value in numbers)
    if step == 0 or (last - first) / step < 0:
        return _error(field, FieldErrorCode.OUT_OF_RANGE, "the step never leads from `from` to `to`")
    return _Values((last - first) // step + 1, (), first, step)


def _shown(number: int) -> str:
    return f"{number:,}" if number < MAX_SHOWN else f"more than {MAX_SHOWN:,}"


def _error(field: str, code: FieldErrorCode, message: str) -> FieldError:
    return FieldError(field=field, code=code, message=message)
