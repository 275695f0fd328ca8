"""Images, and the errors and repetitions of tasks.

Written by client/scripts/write_types.py: change the extension's schema, and run that again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from .message import Message


@dataclass(frozen=True)
class TaskError(Message):
    """The error by which a task failed, in the host's words."""

    type: str
    """The type of the exception."""
    message: str
    """The message of the exception."""


@dataclass(frozen=True)
class Difference(Message):
    """A reason why a repetition may have other pixels."""

    code: str
    """The kind of the reason; stable, unlike the sentence."""
    detail: str
    """The reason in words."""


@dataclass(frozen=True)
class Repeats(Message):
    """The task that a task repeats."""

    task_id: str
    """The id of the repeated task."""
    image: Optional[int]
    """The position of the repeated image in its `images`; null for all."""
    exact: bool
    """True if the same pixels were expected when this task was accepted."""
    differences: list[Difference]
    """The reasons why they might differ."""


@dataclass(frozen=True)
class IgnoredField(Message):
    """An ignored field of the request: its name is unknown, or it has no effect in combination with others."""

    path: str
    """The path of the field, as in `loras[0].strength`."""
    use: Optional[str]
    """The field that this API has for it in that place, if any."""


@dataclass(frozen=True)
class Image(Message):
    """One generated image."""

    url: str
    """The URL of the file; signed if API keys are required."""
    seed: Optional[int]
    """Null for images that are not generated, such as a grid. A seed from a request or the WebUI may have 19 digits,
    more than a number in JavaScript holds: use `seed_text` there."""
    seed_text: Optional[str]
    """The digits of `seed`, which `image_seed` accepts, too."""
    width: Optional[int]
    """Width in pixels."""
    height: Optional[int]
    """Height in pixels."""
    format: Optional[str]
    """png, jpeg or webp."""
    kept: bool
    """False if Fooocus runs with --disable-image-log: the file may be deleted after an hour, so fetch it soon."""
    blacked_out: bool
    """True if `black_out_nsfw` is on and Fooocus's checker replaced the image by a black one."""
    metadata: dict[str, Any]
    """The parameters that Fooocus logged with the image: prompt, resolution, styles, …"""
    base64: Optional[str] = None
    """The file, if the request set `require_base64`: in the answer of the request, `GET /tasks/{task_id}` and
    webhooks. Null if it can't be read now."""
    repeat: Optional[dict[str, Any]] = None
    """A body for `POST /v1/engine/generate` that generates the image again; all images of a task whose images can't
    be generated alone. Only in `GET /tasks/{task_id}`, once the task has ended."""
    exact: Optional[bool] = None
    """True if `repeat` gives the same pixels. Comes with `repeat`."""
    differences: Optional[list[Difference]] = None
    """The reasons why `repeat` may give other pixels, if it is not `exact`."""


@dataclass(frozen=True)
class Upload(Message):
    """A stored image."""

    url: str
    """The URL of the image, for any field of a request that takes an image."""
    file_name: str
    """The name of the image, which requests to this server also accept."""
    width: int
    """Pixels of the upright image."""
    height: int
    """Pixels of the upright image."""
