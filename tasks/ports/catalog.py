"""Details of the host's catalog: control types, model files, styles and wildcards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ControlType:
    """A type of image prompts, with the host's default values for it; None if the host has none."""

    name: str
    stop: float | None
    weight: float | None


@dataclass(frozen=True)
class ModelFile:
    """A file in a model folder. `name` is the one that requests use, relative to the folder."""

    name: str
    kind: str
    size: int
    modified_at: float
    """Seconds since 1970."""
    hash: str | None
    """The first digits of its SHA-256, None if the host has not computed it."""


@dataclass(frozen=True)
class Style:
    """A style's templates, None for a style that the host computes. `sample` is Fooocus's sample picture, None without one."""

    name: str
    prompt: str | None
    negative_prompt: str | None
    sample: Path | None


@dataclass(frozen=True)
class Wildcard:
    """A wildcard, written `__name__` in prompts, and the number of its lines that are not empty."""

    name: str
    lines: int
