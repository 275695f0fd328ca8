"""An argument of the running host that the wire does not define, as the WebUI's control for it shows it. Used by adapters
and api."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bounds:
    """The smallest and the largest number that a control takes, None where it has no such end."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class HostField:
    """One argument.

    `kind` is the type of its value, or of each value where `several` may be chosen. `choices()` are the values that it takes at
    this moment, None where it takes any. `suggestions` are values that its control offers beside any other.
    """

    default: Any
    kind: type
    label: str = ""
    bounds: Bounds = Bounds()
    choices: Callable[[], list[Any]] | None = None
    suggestions: tuple[Any, ...] = ()
    several: bool = False
