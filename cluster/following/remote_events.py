"""Events of tasks that other processes have changed. They pass through the bus, in one order with those of the own worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...images.preview import PreviewImage
from ...tasks.model.events import Event
from ...tasks.model.stage import Stage
from ...tasks.model.task import Image, Task


@dataclass(frozen=True, slots=True)
class RowRead(Event):
    """The row of a task as read after a notice of its change; None if the task was deleted, which then was of `source`."""

    task: Task | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Claimed(Event):
    """This process has claimed the task, whose row was read in the transaction of the claim."""

    task: Task


@dataclass(frozen=True, slots=True)
class FilesChanged(Event):
    """Waiting tasks have come into the queue, or those of `lost` have left it: other nodes have their model files now. It has no
    task's id."""

    task_id: str = ""
    lost: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class RemoteProgress(Event):
    """Progress of a task that another node generates in its attempt of this number, with a preview if one was asked for."""

    attempts: int
    percent: int
    title: str
    stage: Stage
    preview: PreviewImage | None = field(default=None)


@dataclass(frozen=True, slots=True)
class RemoteImage(Event):
    """An image that another node has saved."""

    attempts: int
    image: Image
