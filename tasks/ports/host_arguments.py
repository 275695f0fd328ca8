"""Arguments of the running host that the API does not define itself, as described by the WebUI's controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bounds:
    """The smallest and the largest number that a control accepts, None without a limit."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class HostField:
    """One argument of the host.

    `kind` is the type of its value, or of each value if `several` may be chosen. `choices()` returns the values that it
    accepts at this moment; `choices` is None if it accepts any. `suggestions` are values that its control offers, not
    the only ones.
    """

    default: Any
    kind: type
    label: str = ""
    bounds: Bounds = Bounds()
    choices: Callable[[], list[Any]] | None = None
    suggestions: tuple[Any, ...] = ()
    several: bool = False
