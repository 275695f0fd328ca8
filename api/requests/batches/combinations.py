"""One request with lists to combine: the lists of one object are paired, and the objects are multiplied."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ....asgi.error_codes import FieldErrorCode
from ...responses.problems import FieldError, InvalidFields
from ..parameter_names import unknown_name
from .row_errors import MAX_ROWS, RawRow

RANGE = {"from", "to", "step"}
MAX_AXES = 20
MAX_SHOWN = 10**15
"""Numbers above it are not written out, as they may have thousands of digits."""

MAX_NUMBER = 2**63
"""The bound of the numbers of a range, which is above each seed."""

class Combination(BaseModel):
    """The body of a batch in JSON: a request, and the lists of values to combine with it."""

    model_config = ConfigDict(extra="forbid")

    request: dict[str, Any] = Field(
        default={},
        description="The body of a generate request, whose fields all rows have.",
        examples=[{"prompt": "a cat"}],
    )
    combine: list[dict[str, Any]] = Field(
        default=[],
        max_length=MAX_AXES,
        description="Objects of lists by field, or of ranges `{from, to, step}`. Lists of one object have the same length and "
        "are paired; the objects are multiplied, and the last one changes fastest.",
        examples=[[{"prompt": ["a cat", "a dog"]}, {"image_seed": {"from": 1, "to": 3}}]],
    )
    repeat: int = Field(
        default=1, ge=1, le=MAX_ROWS, description="The number of times that each combination is generated."
    )


def combinations(content: Combination, known: Sequence[str]) -> Iterator[RawRow]:
    """Return the rows, which are counted before any is made.

    Args:
        known: the names of a request's fields.

    Raises:
        InvalidFields: names every wrong list, or the number of combinations.
    """
    if not content.request and not content.combine:
        raise InvalidFields(
            [_error("request", FieldErrorCode.REQUIRED, "is empty, and so is combine; give one of them")]
        )
    errors: list[FieldError] = []
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
    return _rows(content, axes)


def _rows(content: Combination, axes: list[dict[str, _Values]]) -> Iterator[RawRow]:
    number = 0
    for places in product(*(range(next(iter(axis.values())).length) for axis in axes)):
        chosen = {
            name: values.at(place) for axis, place in zip(axes, places, strict=True) for name, values in axis.items()
        }
        for _ in range(content.repeat):
            number += 1
            yield RawRow(number, None, {**content.request, **chosen})


class _Values:
    """The values of one field: a list, or a range that is never written out."""

    def __init__(
        self, length: int, items: Sequence[Any] = (), first: Fraction = Fraction(), step: Fraction = Fraction()
    ) -> None:
        self.length = length
        self._items = items
        self._first = first
        self._step = step

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
    first, last, step = (Fraction(str(value)) for value in numbers)
    if step == 0 or (last - first) / step < 0:
        return _error(field, FieldErrorCode.OUT_OF_RANGE, "the step never leads from `from` to `to`")
    return _Values((last - first) // step + 1, (), first, step)


def _shown(number: int) -> str:
    return f"{number:,}" if number < MAX_SHOWN else f"more than {MAX_SHOWN:,}"


def _error(field: str, code: FieldErrorCode, message: str) -> FieldError:
    return FieldError(field=field, code=code, message=message)
    if not all(abs(value) <= MAX_NUMBER for value in numbers):
        return _error(
            field, FieldErrorCode.OUT_OF_RANGE, f"from, to and step must be between -{MAX_NUMBER} and {MAX_NUMBER}"
        )
