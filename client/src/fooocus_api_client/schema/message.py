"""JSON objects of the API as dataclasses."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

M = TypeVar("M", bound="Message")


@dataclasses.dataclass(frozen=True)
class Message:
    """A JSON object of the API. `received` has all its members, also those that this version does not know."""

    received: dict[str, Any] = dataclasses.field(repr=False, compare=False)


def message_of(kind: type[M], values: dict[str, Any]) -> M:
    """Return a JSON object as a dataclass.

    Raises:
        ValueError: it lacks a member that the dataclass needs.
    """
    made: Any = kind
    hints = hints_of(made)
    known = {name: _converted(hints[name], values[name]) for name in hints if name in values and name != "received"}
    try:
        return kind(received=values, **known)
    except TypeError as error:
        raise ValueError(f"the answer is not a {kind.__name__}: {error}") from error


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    """Return the types of a dataclass's fields by name."""
    return get_type_hints(kind)


def _converted(kind: Any, value: Any) -> Any:
    """Return a JSON value with dataclasses in place of its objects, at any depth. Other values are not checked."""
    if value is None:
        return None
    if get_origin(kind) is Union:
        return _converted(next(one for one in get_args(kind) if one is not type(None)), value)
    if get_origin(kind) is list and isinstance(value, list):
        return [_converted(get_args(kind)[0], one) for one in value]
    if isinstance(kind, type) and issubclass(kind, Message) and isinstance(value, dict):
        return message_of(kind, value)
    return value
