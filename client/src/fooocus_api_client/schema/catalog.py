"""Models, styles, presets and the server itself.

Written by client/scripts/write_types.py: change the extension's schema, and run that again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from .message import Message


@dataclass(frozen=True)
class ModelNames(Message):
    """The files in the model folders, by the names that requests use."""

    model_filenames: list[str]
    """Checkpoints, for `base_model_name` and `refiner_model_name`."""
    lora_filenames: list[str]
    """For `loras`."""
    vae_filenames: list[str]
    """For `vae_name`."""


@dataclass(frozen=True)
class ModelFile(Message):
    """A file in a model folder."""

    name: str
    """The name that requests use: the path relative to its folder."""
    kind: str
    """The folder's kind: `checkpoint`, `lora`, `vae`, `embedding`, or another of Fooocus's."""
    size: int
    """The size in bytes."""
    modified_at: str
    """The time when the file was last changed."""
    hash: Optional[str]
    """The first 10 digits of its SHA-256, as in images' metadata; null if Fooocus has not computed it. Fooocus
    computes it for the first image with metadata that a checkpoint or LoRA makes."""


@dataclass(frozen=True)
class Style(Message):
    """A style. A style that Fooocus computes, such as `Fooocus V2` or `Random Style`, has no templates."""

    name: str
    """The name, for `style_selections`."""
    prompt: Optional[str]
    """The template of the prompt, in which `{prompt}` stands for the request's."""
    negative_prompt: Optional[str]
    """The text that the style adds to the negative prompt."""
    sample_url: Optional[str]
    """The URL of Fooocus's sample picture; null without one. It needs a key, if any is."""


@dataclass(frozen=True)
class Preset(Message):
    """A preset as fields of a request."""

    name: str
    """The name, for `preset`."""
    editable: bool
    """True if the API has written the preset, so that it can be replaced and deleted."""
    fields: dict[str, Any]
    """The fields of a request that it sets; Fooocus's defaults apply to others."""


@dataclass(frozen=True)
class ControlType(Message):
    """A type of image prompts, with the values that Fooocus's WebUI sets when it is chosen."""

    name: str
    """The name, for `cn_type` of an entry of `controlnet_image`."""
    stop: Optional[float]
    """Fooocus's default for `cn_stop`, if it has one."""
    weight: Optional[float]
    """Fooocus's default for `cn_weight`, if it has one."""


@dataclass(frozen=True)
class Wildcard(Message):
    """A wildcard file."""

    name: str
    """The name, written `__name__` in prompts."""
    lines: int
    """The number of lines that are not empty, of which Fooocus takes one."""


@dataclass(frozen=True)
class Info(Message):
    """Versions, features and patched host modules of this process."""

    name: str
    """The name of this extension."""
    version: str
    """The version of this extension."""
    fooocus_version: str
    """The version of Fooocus, as it reports it."""
    python_version: str
    """The version of the Python that runs Fooocus."""
    gradio_version: str
    """The version of the WebUI's Gradio."""
    supported: bool
    """True if the API can accept tasks on this Fooocus."""
    problem: Optional[str]
    """The reason if no task can be accepted."""
    webui: bool
    """True if the WebUI is served."""
    worker_alive: bool
    """True if Fooocus's worker thread is running."""
    arguments: int
    """The number of arguments of this Fooocus's tasks."""
    features: list[str]
    """The features of this API on this Fooocus."""
    patched: dict[str, str]
    """Module of Fooocus → `patched`, `waiting`, or the problem."""
    paused: bool
    """True while no task of the API is started, after `/v1/engine/pause`."""
    tasks: dict[str, int]
    """The numbers of pending and running tasks."""
