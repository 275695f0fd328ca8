"""Ignored fields of a request, reported in a header and in the task's record, each with the known field it may mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import BaseModel

from ....asgi.problem import shortened
from ...responses.problems import MAX_ERRORS
from ...schemas.generate import CommonRequest
from ...schemas.without_effect import QUIET_VALUES
from ...validation.nearest_names import MAX_NAME_LENGTH
from .aliases import our_name

NOTE = "ignored_fields"
"""Key of the ignored fields in a task's notes."""


@dataclass(frozen=True)
class Unknown:
    """An unknown name in a body: its path, the list whose item has it ("" for the body itself), and the model."""

    path: str
    name: str
    place: str
    model: type[BaseModel]


def unknown_fields(body: CommonRequest) -> list[Unknown]:
    """Return the unknown names of a body and of the items in its lists, at most MAX_ERRORS."""
    return list(islice(_unknown(body), MAX_ERRORS))


def notes_of(unknown: Iterable[Unknown], without_effect: Iterable[str]) -> list[dict[str, Any]]:
    """Return the record's `ignored_fields`. It searches for similar names: off the event loop."""
    named = [
        {"path": one.path, "use": our_name(one.name, one.place, _names_in(one.model))}
        for one in islice(unknown, MAX_ERRORS)
    ]
    return [*named, *({"path": path, "use": None} for path in without_effect)]


def extra_members(model: BaseModel) -> dict[Any, Any]:
    """Return all members at any depth that the models don't define, in the form of `model_dump(exclude=…)`."""
    extra: dict[Any, Any] = dict.fromkeys(model.model_extra or {}, True)
    for name, items in _lists(model):
        inner = {index: found for index, item in enumerate(items) if (found := extra_members(item))}
        if inner:
            extra[name] = inner
    return extra


def _unknown(body: CommonRequest) -> Iterator[Unknown]:
    for name, value in sorted((body.model_extra or {}).items(), key=lambda member: member[0]):
        if not _says_what_happens(body, name, value):
            yield Unknown(shortened(name, MAX_NAME_LENGTH), name, "", type(body))
    for place, items in _lists(body):
        for index, item in enumerate(items):
            for name in sorted(item.model_extra or {}):
                path = f"{place}[{index}].{shortened(name, MAX_NAME_LENGTH)}"
                yield Unknown(path, name, place, type(item))


def _says_what_happens(body: CommonRequest, name: str, value: Any) -> bool:
    """Return whether a field without effect has a value that matches what happens anyway."""
    if name == "current_tab":
        return value is None or value in ("uov", "", body.tab())
    if name not in QUIET_VALUES:
        return False
    return value is None or str(value).strip().lower() in QUIET_VALUES[name]


def _lists(model: BaseModel) -> Iterator[tuple[str, list[BaseModel]]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, list) and value and isinstance(value[0], BaseModel):
            yield name, value


def _names_in(model: type[BaseModel]) -> list[str]:
    return [name for name in model.model_fields if name not in QUIET_VALUES]
