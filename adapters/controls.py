"""The WebUI's controls, one for each of AsyncTask's arguments: their values at the start, bounds and choices.

Gradio 3.41.2 keeps them as attributes of its components. A browser has a copy of its own: an event of the page may give that
copy other choices, which the component here never learns.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..tasks.host_field import Bounds, HostField

LISTS = ("modules.config", "modules.flags", "modules.sdxl_styles")
"""Modules whose lists a control's choices may come from; a refresh puts new lists there."""
MOST_IN_FRONT = 2
"""Entries such as `None` that a control may have before those of a list."""


class Controls:
    """By position, as AsyncTask takes them."""

    def __init__(self, controls: Sequence[Any], blocks: Any = None) -> None:
        """`blocks` is the WebUI, whose events tell which controls are given other choices while it runs."""
        self._controls = controls
        self._refreshed = _refreshed(blocks)
        self.defaults = [self.as_argument(position, control.value) for position, control in enumerate(controls)]

    def __len__(self) -> int:
        return len(self._controls)

    def bounds(self, position: int) -> Bounds:
        """Return the ends of a control for numbers."""
        control = self._controls[position]
        return Bounds(_number(control, "minimum"), _number(control, "maximum"))

    def as_argument(self, position: int, value: Any) -> Any:
        """Return the value as the constructor wants it: some controls hand over the place of a choice instead of the choice."""
        control = self._controls[position]
        if getattr(control, "type", None) != "index":
            return value
        choices = _values(control)
        if isinstance(value, list):
            return [choices.index(item) for item in value if item in choices]
        return choices.index(value) if value in choices else value

    def field(self, position: int) -> HostField | None:
        """Return what a request may set an argument to, None for pictures, files and whatever JSON has no word for."""
        control = self._controls[position]
        label = str(getattr(control, "label", None) or "")
        if getattr(control, "choices", None) is not None:
            return self._choice(control, label)
        if isinstance(control.value, bool):
            return HostField(control.value, bool, label)
        if isinstance(control.value, int | float):
            return HostField(control.value, _kind_of_number(control), label, self.bounds(position))
        return HostField(control.value, str, label) if isinstance(control.value, str) else None

    def _choice(self, control: Any, label: str) -> HostField | None:
        values = _values(control)
        several = bool(getattr(control, "multiselect", False)) or isinstance(control.value, list)
        kinds = {type(value) for value in values} or {str}
        if len(kinds) > 1 or not kinds <= {str, int, float}:
            return None
        (kind,) = kinds
        if isinstance(control.value, list) and not all(isinstance(item, kind) for item in control.value):
            return None
        if getattr(control, "allow_custom_value", False):
            return HostField(control.value, kind, label, suggestions=tuple(values), several=several)
        if (listed := _list_of_host(values)) is not None:
            return HostField(control.value, kind, label, choices=listed, several=several)
        if control._id in self._refreshed:  # with choices that are known to the browser alone
            return HostField(control.value, kind, label, suggestions=tuple(values), several=several)
        return HostField(control.value, kind, label, choices=lambda: _values(control), several=several)


def _values(control: Any) -> list[Any]:
    """Return what the choices stand for: Gradio keeps some as pairs of a name and a value."""
    return [choice[1] if isinstance(choice, tuple) else choice for choice in control.choices]


def _number(control: Any, name: str) -> float | None:
    value = getattr(control, name, None)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _kind_of_number(control: Any) -> type:
    """Return int for a control that takes whole numbers only."""
    given = [getattr(control, name, None) for name in ("value", "minimum", "maximum", "step")]
    if any(isinstance(value, float) and not value.is_integer() for value in given):
        return float
    if hasattr(control, "precision"):
        return int if control.precision == 0 else float
    return int if isinstance(control.value, int) and getattr(control, "step", None) in (None, 1) else float


def _list_of_host(values: list[Any]) -> Callable[[], list[Any]] | None:
    """Return a function that reads the host's own list that these choices were made of, None when there is none."""
    for module_name in LISTS:
        with suppress(ImportError):
            module = importlib.import_module(module_name)
            for name, candidate in vars(module).items():
                if not isinstance(candidate, list) or not candidate:
                    continue
                front = len(values) - len(candidate)
                if 0 <= front <= MOST_IN_FRONT and values[front:] == candidate:
                    return _reader(module, name, values[:front])
    return None


def _reader(module: Any, name: str, front: list[Any]) -> Callable[[], list[Any]]:
    return lambda: [*front, *getattr(module, name)]


def _refreshed(blocks: Any) -> set[int]:
    """Return the ids of the controls that an event of the page may give other choices.

    An event's function that never mentions choices gives none; one whose source can't be read may do anything.
    """
    found: set[int] = set()
    for dependency, function in zip(getattr(blocks, "dependencies", ()), getattr(blocks, "fns", ()), strict=False):
        fn = getattr(function, "fn", None)
        if fn is not None and _mentions_choices(fn):
            found |= {output for output in dependency["outputs"] if isinstance(output, int)}
    return found


def _mentions_choices(function: Callable[..., Any]) -> bool:
    try:
        return "choices" in inspect.getsource(function)
    except (OSError, TypeError):
        return True
