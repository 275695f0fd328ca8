"""What the routes work with, handed in by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..tasks.service import TaskService


class Catalog(Protocol):
    """What the checkout offers by name."""

    def names(self, kind: str) -> list[str]: ...

    def refresh(self) -> None: ...


@dataclass(frozen=True)
class Context:
    """Everything a route may need.

    `service` is None when the host is not understood; `problem()` then says why. `default(field)` is the host's value for
    a request field, `output_folders()` where images lie, `info()` what `/v1/info` tells.
    """

    service: TaskService | None
    catalog: Catalog
    default: Callable[[str], Any]
    output_folders: Callable[[], list[Path]]
    info: Callable[[], dict[str, Any]]
    problem: Callable[[], str | None]
    apikeys: tuple[str, ...] = ()
    base_url: str | None = None
