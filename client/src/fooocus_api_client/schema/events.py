"""Events of tasks, and messages of the stream of a request.

Written by client/scripts/write_types.py: change the extension's schema, and run that again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from .images import IgnoredField, Image, TaskError
from .message import Message


@dataclass(frozen=True)
class TaskEvent(Message):
    """The data of every event except `dropped`."""

    task_id: str
    """32 hexadecimal digits."""
    task_status: str
    """The status, as in the record."""
    source: str
    """The origin of the task, as in the record."""
    phase: Optional[str] = None
    """Only of a pending or running task: queued, loading, preparing, sampling, decoding or saving."""
    step: Optional[int] = None
    """The last step that the sampler has done, of `steps`."""
    steps: Optional[int] = None
    """The steps of the current image."""
    image_number: Optional[int] = None
    """The number of the current image, from 1 to `image_count`."""
    image_count: Optional[int] = None
    """The number of images, or of enhancements."""
    started_at: Optional[int] = None
    """The start in milliseconds since 1970."""
    tags: Optional[list[str]] = None
    """The tags of the request, if any."""
    client_data: Optional[dict[str, Any]] = None
    """The client_data of the request, if any."""
    queue_position: Optional[int] = None
    """Only of a pending task: the number of tasks before it."""
    eta_seconds: Optional[float] = None
    """Seconds until the task ends, if known."""
    progress: Optional[float] = None
    """0 to 100."""
    message: Optional[str] = None
    """Fooocus's description of its current step."""
    preview: Optional[str] = None
    """The newest preview as a data URI."""
    image: Optional[Image] = None
    """The saved image."""
    node: Optional[str] = None
    """Only in a cluster: the node that generates the task."""
    result: Optional[list[str]] = None
    """URLs of the images, once the task has ended."""
    images: Optional[list[Image]] = None
    """The images, once the task has ended."""
    error: Optional[TaskError] = None
    """The error of a failed task."""


@dataclass(frozen=True)
class DroppedEvent(Message):
    """The data of `dropped`."""

    dropped: Optional[int]
    """The number of missed events, null if unknown: read the records."""


@dataclass(frozen=True)
class StreamMessage(Message):
    """The data of each event in the response to a generate request; that of `error` also has the problem's members."""

    progress: float
    """0 to 100."""
    preview: Optional[str]
    """The newest preview as a data URI."""
    message: str
    """Fooocus's current step; in the last message the task's status."""
    images: list[str]
    """URLs of the images, once the task has ended."""
    phase: Optional[str] = None
    """Only of a pending or running task: queued, loading, preparing, sampling, decoding or saving."""
    step: Optional[int] = None
    """The last step that the sampler has done, of `steps`."""
    steps: Optional[int] = None
    """The steps of the current image."""
    image_number: Optional[int] = None
    """The number of the current image, from 1 to `image_count`."""
    image_count: Optional[int] = None
    """The number of images, or of enhancements."""
    started_at: Optional[int] = None
    """The start in milliseconds since 1970."""
    base64: Optional[list[Optional[str]]] = None
    """The files, if the request set `require_base64`."""
    queue_position: Optional[int] = None
    """Only of a pending task: the number of tasks before it."""
    eta_seconds: Optional[float] = None
    """Seconds until the task ends, if known."""
    error: Optional[TaskError] = None
    """The error of a failed task."""
    tags: Optional[list[str]] = None
    """The tags of the request, if any."""
    client_data: Optional[dict[str, Any]] = None
    """The client_data of the request, if any."""
    ignored_fields: Optional[list[IgnoredField]] = None
    """Only in the last message: the ignored fields of the request, if any."""
