"""Protocol of the host's properties that decide, with a task's parameters, over its pixels. Implemented by `adapters`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class UsedModelFile:
    """A model file that a task uses: the field that names it, its name there, and its path, whether or not it exists.

    If it `stays_loaded`, the host keeps it in memory until a file of another name takes its place. If it `is_downloaded`, the
    host fetches it when it is missing.
    """

    field: str
    name: str
    path: Path
    stays_loaded: bool = False
    is_downloaded: bool = False


class Runs(Protocol):
    """The surroundings of a task's run. Any thread but the worker's: they may read the disk."""

    def host(self) -> dict[str, str]:
        """Return the versions, the device and the flags of precision, by a name to show."""

    def model_files(self, parameters: dict[str, Any]) -> list[UsedModelFile]:
        """Return the model files of a task with these parameters: checkpoints, VAE, LoRAs and the expansion's."""


class NoRuns:
    """Runs of which nothing is known."""

    def host(self) -> dict[str, str]:
        return {}

    def model_files(self, parameters: dict[str, Any]) -> list[UsedModelFile]:
        return []
