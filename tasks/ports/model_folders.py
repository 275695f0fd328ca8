"""The host's folders of model files, as the domain sees them. Implemented by `adapters.models.model_folders`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from ...model_files.kinds import FileKind


class Role(str, Enum):
    """The part that the files of a folder have in a task's needs."""

    CHECKPOINT = "checkpoint"
    LORA = "lora"
    VAE = "vae"
    OTHER = "other"


@dataclass(frozen=True)
class ModelFolder:
    """One of the host's folders by its name on the wire. `paths` are the places where the host looks, in its order; new files go
    to the first. `kinds` are the formats that the host loads from there."""

    name: str
    paths: tuple[Path, ...]
    role: Role = Role.OTHER
    kinds: frozenset[FileKind] = frozenset({FileKind.SAFETENSORS, FileKind.PICKLE})


class ModelFolders(Protocol):
    """The host's folders of models, and its knowledge of the files in them. Any thread."""

    def folders(self) -> list[ModelFolder]:
        """Return the folders, as they are configured now."""

    def refresh(self) -> None:
        """Rescan the folders for added and removed files."""

    def loaded(self) -> Collection[Path]:
        """Return the files of the models in memory, resolved."""

    def short_hash(self, path: Path) -> str | None:
        """Return the first ten digits of a file's SHA-256 if the host knows them."""

    def forget(self, path: Path) -> None:
        """Drop what the host knows of a file that was deleted."""
