"""Parameters as they were found in a file or a text, in typed values and without regard to any host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Generator:
    """The program that wrote the parameters; None for what the file does not say."""

    name: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class FoundLora:
    """A LoRA by the name that the file gives it; its weight and the start of its hash if they are known."""

    name: str
    weight: float | None = None
    hash: str | None = None
    enabled: bool = True


@dataclass(frozen=True)
class Unmapped:
    """A value that the request does not have, under its name in the file, and the reason."""

    name: str
    value: Any
    reason: str


@dataclass
class Parameters:
    """Values of the settings that a file names; None or empty for all others.

    Sizes are in pixels. Model names are as in the file: with or without folder and ending.
    """

    prompt: str | None = None
    negative_prompt: str | None = None
    prompt_expansion: str | None = None
    full_prompt: list[str] | None = None
    full_negative_prompt: list[str] | None = None
    styles: list[str] | None = None
    performance: str | None = None
    steps: int | None = None
    width: int | None = None
    height: int | None = None
    guidance_scale: float | None = None
    sharpness: float | None = None
    adm_guidance: list[float] | None = None
    base_model: str | None = None
    base_model_hash: str | None = None
    refiner_model: str | None = None
    refiner_model_hash: str | None = None
    refiner_switch: float | None = None
    overwrite_switch: int | None = None
    refiner_swap_method: str | None = None
    adaptive_cfg: float | None = None
    clip_skip: int | None = None
    sampler: str | None = None
    scheduler: str | None = None
    vae: str | None = None
    seed: str | None = None
    """Digits, as a seed may exceed the numbers that JavaScript reads exactly."""
    freeu: list[float] | None = None
    loras: list[FoundLora] | None = None
    created_by: str | None = None

    def set(self, **values: Any) -> None:
        """Set parameters by their names; None leaves one as it is."""
        for name, value in values.items():
            if value is not None:
                setattr(self, name, value)

    def given(self) -> Iterator[tuple[str, Any]]:
        """Yield the names and the values that are known."""
        for one in fields(self):
            value = getattr(self, one.name)
            if value is not None:
                yield one.name, value


@dataclass
class Metadata:
    """The result of reading a file or a text.

    `scheme` is None if there are no parameters. `source` is the place, such as `png:parameters`, and `raw` its text. `rest` has
    the values that no parameter stands for. `size` is the picture's width and height in pixels, None for a text.
    """

    scheme: str | None = None
    generator: Generator = field(default_factory=Generator)
    source: str | None = None
    raw: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
    rest: list[Unmapped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    size: tuple[int, int] | None = None
    by_fooocus: bool = False
    """True if Fooocus or a fork of it wrote the parameters, so that its settings have Fooocus's meaning."""
    can_repeat: bool = True
    """False for programs whose parameters are only recognised."""

    def describe(
        self,
        *,
        scheme: str | None = None,
        generator: Generator | None = None,
        source: str | None = None,
        size: tuple[int, int] | None = None,
        by_fooocus: bool | None = None,
        can_repeat: bool | None = None,
    ) -> None:
        """Set what is known of the file; None leaves a value as it is."""
        self.scheme = scheme if scheme is not None else self.scheme
        self.generator = generator if generator is not None else self.generator
        self.source = source if source is not None else self.source
        self.size = size if size is not None else self.size
        self.by_fooocus = by_fooocus if by_fooocus is not None else self.by_fooocus
        self.can_repeat = can_repeat if can_repeat is not None else self.can_repeat
