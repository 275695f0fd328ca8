"""Tasks and their lists.

Written by client/scripts/write_types.py: change the extension's schema, and run that again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from .images import IgnoredField, Image, Repeats, TaskError
from .message import Message


@dataclass(frozen=True)
class BatchPlace(Message):
    """The row of a batch that a task belongs to."""

    batch_id: str
    """The id of the batch."""
    row: int
    """The number of the row, from 1."""
    custom_id: str
    """The id of the row; its number by default."""


@dataclass(frozen=True)
class Task(Message):
    """One task. Times are milliseconds since 1970, -1 while unknown."""

    id: int
    """The number of the row in the database."""
    task_id: str
    """32 hexadecimal digits."""
    req_params: dict[str, Any]
    """The request with all fields."""
    in_queue_mills: int
    """The time of acceptance."""
    start_mills: int
    """The time at which the worker started it."""
    finish_mills: int
    """The time of its end."""
    task_status: str
    """pending, running, finished, failed, stopped or interrupted."""
    progress: float
    """0 to 100."""
    webhook_url: str
    """The webhook_url of the request."""
    result: list[str]
    """URLs of the images."""
    images: list[Image]
    """The images with their properties, in the order of `result`."""
    source: str
    """The origin of the task: webui, api, the name of a key, or imported."""
    attempts: int
    """The number of times the worker has started it."""
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
    repeats: Optional[Repeats] = None
    """The task that this one repeats. Absent if it repeats none."""
    batch: Optional[BatchPlace] = None
    """The row of a batch that the task belongs to. Absent if it belongs to none."""
    preview: Optional[str] = None
    """The newest preview, base64 of a PNG; empty before the first one. Absent once the task has ended."""
    queue_position: Optional[int] = None
    """Only of a pending task: the number of tasks before it."""
    eta_seconds: Optional[float] = None
    """Only of a pending or running task: estimated seconds until it ends, if this machine's speed is known."""
    tags: list[str] = field(default_factory=list)
    """The tags of the request."""
    client_data: dict[str, Any] = field(default_factory=dict)
    """The client_data of the request."""
    error: Optional[TaskError] = None
    """Only on failed and interrupted tasks."""
    node: Optional[str] = None
    """Only in a cluster: the node that generates the task or has generated it."""
    ignored_fields: Optional[list[IgnoredField]] = None
    """The ignored fields of the request, if any."""
    stopping: Optional[bool] = None
    """`true` in the response to a stop if the task has not reached its next step yet."""
    incomplete: Optional[list[str]] = None
    """Only of an incomplete record: one sentence for each part that could not be read or stored."""


@dataclass(frozen=True)
class TaskCard(Message):
    """One task in short. Times are milliseconds since 1970, -1 while unknown."""

    task_id: str
    """32 hexadecimal digits."""
    task_status: str
    """The status, as in the record."""
    source: str
    """The origin of the task, as in the record."""
    prompt: str
    """The first 200 characters of the prompt."""
    in_queue_mills: int
    """The time of acceptance."""
    start_mills: int
    """The time at which the worker started it."""
    finish_mills: int
    """The time of its end."""
    progress: float
    """0 to 100."""
    saved_images: int
    """The number of images of an ended task."""
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
    cover: Optional[str] = None
    """The URL of the first image, if there is one."""
    width: Optional[int] = None
    """The first image's width in pixels."""
    height: Optional[int] = None
    """The first image's height in pixels."""
    seed_text: Optional[str] = None
    """The digits of the first image's seed."""
    tags: Optional[list[str]] = None
    """The task's tags, if any."""
    batch_id: Optional[str] = None
    """The batch that the task belongs to, if any."""
    node: Optional[str] = None
    """Only in a cluster: the node that generates the task or has generated it."""
    error: Optional[str] = None
    """Only of a failed task: the error's type and message, shortened."""
    queue_position: Optional[int] = None
    """Only of a pending task: the number of tasks before it."""
    eta_seconds: Optional[float] = None
    """Only of a pending or running task: seconds until it ends, if known."""
    preview: Optional[str] = None
    """Only of a running task: its newest preview, as in the record."""


@dataclass(frozen=True)
class TaskCards(Message):
    """Tasks by their state, in short. Lists that were not requested are empty."""

    history: list[TaskCard]
    """Ended tasks."""
    current: list[TaskCard]
    """The running task, with its newest preview."""
    pending: list[TaskCard]
    """Pending tasks, the next one first."""


@dataclass(frozen=True)
class TaskLists(Message):
    """Tasks by their state. Lists that were not requested are empty."""

    history: list[Task]
    """Ended tasks."""
    current: list[Task]
    """The running task, with its newest preview."""
    pending: list[Task]
    """Pending tasks, the next one first."""
