"""Results of the tools.

Written by client/scripts/write_types.py: change the extension's schema, and run that again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from .message import Message


@dataclass(frozen=True)
class Description(Message):
    """The description of an image."""

    describe: str
    """A caption or tags, usable as a prompt."""


@dataclass(frozen=True)
class GeneratorName(Message):
    """The name and the version of a program."""

    name: Optional[str]
    """The program's name; null if the file does not name it."""
    version: Optional[str]
    """Its version."""


@dataclass(frozen=True)
class UnmappedValue(Message):
    """A value that the request does not have."""

    name: str
    """The name of the value in the file, or the field of the request that can't have it."""
    value: Any
    """The value."""
    reason: str
    """The reason, in words that may change."""


@dataclass(frozen=True)
class ModelMatch(Message):
    """A model file that the parameters name, and the file of this host that stands for it."""

    field: str
    """The field of the request: `base_model_name`, `loras` or another."""
    name: str
    """The name in the file, often without folder and ending."""
    match: str
    """The way it was found: by its `hash`, by its `exact` name, or by its `stem`, the name without folder and ending.
    `ambiguous`: several files have that name. `none`: this host has no such file."""
    hash: Optional[str] = None
    """The start of the file's hash, if the parameters have it."""
    file: Optional[str] = None
    """The file of this host; null if none or several match."""
    candidates: Optional[list[str]] = None
    """The files that match, if there are several."""


@dataclass(frozen=True)
class Metadata(Message):
    """Parameters in a file or a text, and a request that generates with them."""

    scheme: Optional[str]
    """The notation: `fooocus`, `a1111`, `log-html`, `fooocusplus`, `fooocus-mre`, `ruinedfooocus`, `invokeai`,
    `comfyui`, `novelai` or `swarmui`; null without parameters."""
    generator: GeneratorName
    """The program that wrote the parameters."""
    source: Optional[str]
    """The place in the file: `png:parameters`, `exif:ifd0`, `exif:exif`, `jpeg:comment`, `text` and the like."""
    raw: Optional[str]
    """The text as it stands in the file, at most 65,536 characters."""
    parameters: dict[str, Any]
    """The values as found, in types of JSON; model names as the file has them. The seed is a text of digits."""
    request: Optional[dict[str, Any]]
    """A body for `POST /v1/engine/generate/` that this host accepts; null if there is nothing to generate."""
    unmapped: list[UnmappedValue]
    """Values that `request` does not have, each with the reason."""
    warnings: list[str]
    """Reasons for which the image may differ, in words that may change."""
    models: list[ModelMatch]
    """The model files that the parameters name, and those of this host."""


@dataclass(frozen=True)
class PromptLora(Message):
    """A LoRA that is applied."""

    model_name: str
    """The file."""
    weight: float
    """The strength of its effect."""


@dataclass(frozen=True)
class ExpandedPrompt(Message):
    """The prompt of one image."""

    seed: int
    """The seed of the image; as `image_seed` it gives the same words again."""
    seed_text: str
    """The digits of `seed`."""
    prompt_lines: list[str]
    """The lines of the prompt, with wildcards and arrays replaced and without LoRA tags."""
    negative_lines: list[str]
    """The lines of the negative prompt, likewise."""
    styles: list[str]
    """The styles, with the names in place of `Random Style`."""
    expansion: Optional[str]
    """The prompt with the words that Fooocus V2 adds; empty without that style, null with `expansion: false`."""
    positive: list[str]
    """All texts that are encoded, in their order."""
    negative: list[str]
    """All texts that are encoded as what to avoid, in their order."""
    loras: list[PromptLora]
    """The LoRAs of the request, of its prompt and of its performance."""


@dataclass(frozen=True)
class ExpandedPrompts(Message):
    """The prompts of a request's images."""

    images: list[ExpandedPrompt]
    """One entry for each image."""
