"""The WebUI's controls, one per argument of AsyncTask: their initial values, bounds and choices.

Gradio 3.41.2 keeps these as attributes of its components. A browser has its own copy: an event of the page may change the
copy's choices without updating the component.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ...tasks.ports.host_arguments import Bounds, HostField
from ..host_modules import host_module

LISTS = ("modules.config", "modules.flags", "modules.sdxl_styles")
"""Modules whose lists may be the source of a control's choices; a refresh replaces these lists."""
MAX_IN_FRONT = 2
"""Number of entries such as `None` that a control may have before those of a list."""


class Controls:
    """The controls, indexed by argument position of AsyncTask."""

    def __init__(self, controls: Sequence[Any], blocks: Any = None) -> None:
        """Read the controls' defaults. `blocks` is the WebUI; its events show which controls get other choices at run time."""
        self._controls = controls
        self._refreshed = _refreshed(blocks)
        by_control: dict[int, list[int]] = {}
        for position, control in enumerate(controls):
            by_control.setdefault(id(control), []).append(position)
        self.shared = [positions for positions in by_control.values() if len(positions) > 1]
        """Positions of arguments that a fork takes from one control."""
        self.defaults = [self.as_argument(position, control.value) for position, control in enumerate(controls)]

    def __len__(self) -> int:
        return len(self._controls)

    def bounds(self, position: int) -> Bounds:
        """Return the bounds of a numeric control."""
        control = self._controls[position]
        return Bounds(_number(control, "minimum"), _number(control, "maximum"))

    def choices(self, position: int) -> list[str] | None:
        """Return the texts that a control offers, None for a control without choices."""
        control = self._controls[position]
        if getattr(control, "choices", None) is None:
            return None
        return [value for value in _values(control) if isinstance(value, str)]

    def as_argument(self, position: int, value: Any) -> Any:
        """Return the value as the constructor expects it: some controls pass the index of a choice instead of the choice."""
        control = self._controls[position]
        if getattr(control, "type", None) != "index":
            return value
        choices = _values(control)
        if isinstance(value, list):
            return [choices.index(item) for item in value if item in choices]
        return choices.index(value) if value in choices else value

    def field(self, position: int) -> HostField | None:
        """Return the field by which a request may set an argument, None for pictures, files and other types that JSON lacks."""
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
        if control._id in self._refreshed:  # only the browser knows its current choices
            return HostField(control.value, kind, label, suggestions=tuple(values), several=several)
        return HostField(control.value, kind, label, choices=lambda: _values(control), several=several)


def _values(control: Any) -> list[Any]:
    """Return the values of the choices: Gradio keeps some as pairs of a name and a value."""
    return [choice[1] if isinstance(choice, tuple) else choice for choice in control.choices]


def _number(control: Any, name: str) -> float | None:
    value = getattr(control, name, None)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _kind_of_number(control: Any) -> type:
    """Return int for a control that accepts only integers, else float."""
    given = [getattr(control, name, None) for name in ("value", "minimum", "maximum", "step")]
    if any(isinstance(value, float) and not value.is_integer() for value in given):
        return float
    if hasattr(control, "precision"):
        return int if control.precision == 0 else float
    return int if isinstance(control.value, int) and getattr(control, "step", None) in (None, 1) else float


def _list_of_host(values: list[Any]) -> Callable[[], list[Any]] | None:
    """Return a function that reads the host's list from which these choices were made, None if there is none."""
    for module_name in LISTS:
        with suppress(ImportError):
            module = host_module(module_name)
            for name, candidate in vars(module).items():
                if not isinstance(candidate, list) or not candidate:
                    continue
                front = len(values) - len(candidate)
                if 0 <= front <= MAX_IN_FRONT and values[front:] == candidate:
                    return _reader(module, name, values[:front])
    return None


def _reader(module: Any, name: str, front: list[Any]) -> Callable[[], list[Any]]:
    return lambda: [*front, *getattr(module, name)]


def _refreshed(blocks: Any) -> set[int]:
    """Return the ids of the controls whose choices an event of the page may change.

    An event's function that never mentions choices changes none; one whose source can't be read may change any.
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
