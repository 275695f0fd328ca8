"""Schemas of the queue, of statistics and of notices, and the conversion of the domain's objects."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from ....tasks.model.outlook import Outlook
from ....tasks.model.pick import Reason
from ....tasks.overview.model_watch import LoadedModel
from ....tasks.overview.queue_view import Others, QueueView, Waiting
from ....tasks.statistics.statistics import Sample
from ...responses.public_urls import PublicUrls
from ...schemas.card import TaskCard, card_of

REASON = """Why the task is there: `moved`, `priority`, `turn` (its source has waited longest for a turn), `model` (its models are
loaded), `arrival` (it is the oldest), `no_node` (no node of the cluster has all model files that it needs), or `download` (files
that it needs are being downloaded). Those with `no_node` and `download` are not in line, and come last."""
POSITION = (
    "The number of all tasks before it, also of those that the key may not see; null with `no_node` and `download`."
)
PAUSED = "True while no task of the API is started."
WAITING_TOTAL = "The number of all waiting tasks that the key may see."


class OthersModel(BaseModel):
    """The numbers of tasks that the key may not see; all 0 with `read-all`."""

    running: int = Field(description="Running tasks.")
    waiting: int = Field(description="Waiting tasks.")
    ahead: int = Field(description="Waiting tasks before the key's first one; all of them if it has none.")


class WaitingModel(BaseModel):
    """The place of a waiting task."""

    task_id: str = Field(description="32 hexadecimal digits.")
    position: int | None = Field(description=POSITION)
    eta_seconds: float | None = Field(description="Seconds until the task ends; null while unknown or paused.")
    reason: Reason = Field(description=REASON)
    turn_of: str | None = Field(description="The source whose turn it is, with the reason `turn`.")


class WaitingCard(TaskCard):
    """A waiting task in short, with its place."""

    position: int | None = Field(description=POSITION)
    reason: Reason = Field(description=REASON)
    turn_of: str | None = Field(description="The source whose turn it is, with the reason `turn`.")


class QueueResponse(BaseModel):
    """The queue as the key may see it."""

    paused: bool = Field(description=PAUSED)
    running: list[TaskCard] = Field(
        description="The running task, or those of all nodes; for a moment also one whose images are being saved."
    )
    waiting: list[WaitingCard] = Field(description="The next 200 waiting tasks, in the order in which they will run.")
    waiting_total: int = Field(description=WAITING_TOTAL)
    others: OthersModel = Field(description="The tasks that the key may not see.")


class QueueEvent(BaseModel):
    """The data of `queue`."""

    paused: bool = Field(description=PAUSED)
    running: list[str] = Field(description="The ids of the running tasks.")
    waiting: list[WaitingModel] = Field(description="The next 200 waiting tasks, in the order in which they will run.")
    waiting_total: int = Field(description=WAITING_TOTAL)
    others: OthersModel = Field(description="The tasks that the key may not see.")


class DeletedEvent(BaseModel):
    """The data of `deleted`."""

    task_ids: list[str] = Field(description="The ids of the deleted tasks.")


class MovedEvent(BaseModel):
    """The data of `moved`."""

    task_id: str = Field(description="The task that was moved.")
    source: str = Field(description="The origin of the task, as in the record.")
    queue_position: int | None = Field(description="The number of tasks before it, if known.")
    eta_seconds: float | None = Field(description="Seconds until the task ends, if known.")


class ModelEvent(BaseModel):
    """The data of `model`."""

    loaded: bool = Field(description="False after the models were unloaded.")
    model: str | None = Field(
        description="The checkpoint in memory; null until a task has used one, and without `read-all`."
    )
    refiner: str | None = Field(description="The refiner in memory, if any.")


class SampleModel(BaseModel):
    """One minute of the statistics: the data of `stats`."""

    at: int = Field(description="The end of the minute, in milliseconds since 1970.")
    queue_length: int = Field(description="Waiting tasks at that time.")
    images: int = Field(description="Images saved in that minute.")
    step_seconds: float | None = Field(description="The median of the seconds between two steps; null without steps.")
    gpu_memory_used: int | None = Field(description="Bytes of the GPU's memory in use; null without a GPU.")
    gpu_memory_total: int | None = Field(description="Bytes of the GPU's memory; null without a GPU.")
    memory: int | None = Field(description="Resident bytes of Fooocus's process.")
    disk_free: int | None = Field(description="Free bytes on the disk of the outputs.")


class StatsResponse(BaseModel):
    """The statistics, one entry per minute in each list, the oldest first. The last one is the running minute."""

    interval_seconds: int = Field(description="Seconds between two entries.")
    at: list[int] = Field(description="The end of each minute, in milliseconds since 1970.")
    queue_length: list[int] = Field(description="Waiting tasks at that time.")
    images: list[int] = Field(description="Images saved in that minute.")
    step_seconds: list[float | None] = Field(description="The median of the seconds between two steps.")
    gpu_memory_used: list[int | None] = Field(description="Bytes of the GPU's memory in use; null without a GPU.")
    gpu_memory_total: list[int | None] = Field(description="Bytes of the GPU's memory; null without a GPU.")
    memory: list[int | None] = Field(description="Resident bytes of Fooocus's process.")
    disk_free: list[int | None] = Field(description="Free bytes on the disk of the outputs.")


def queue_cards(view: QueueView, urls: PublicUrls) -> dict[str, Any]:
    """Return a view of the queue with cards, as JSON values."""

    def waiting(one: Waiting) -> dict[str, Any]:
        return {**card_of(one.task, urls, Outlook(one.position, one.eta_seconds)), **_place(one)}

    return _queue(view, [card_of(task, urls) for task in view.running], [waiting(one) for one in view.waiting])


def queue_ids(view: QueueView) -> dict[str, Any]:
    """Return a view of the queue with ids, as JSON values."""
    return _queue(view, [task.task_id for task in view.running], [_place(one) for one in view.waiting])


def _queue(view: QueueView, running: list[Any], waiting: list[Any]) -> dict[str, Any]:
    return {
        "paused": view.paused,
        "running": running,
        "waiting": waiting,
        "waiting_total": view.waiting_total,
        "others": _others(view.others),
    }


def _others(others: Others) -> dict[str, int]:
    return {"running": others.running, "waiting": others.waiting, "ahead": others.ahead}


def _place(one: Waiting) -> dict[str, Any]:
    return {
        "task_id": one.task.task_id,
        "position": one.position,
        "eta_seconds": one.eta_seconds,
        "reason": one.pick.reason.value,
        "turn_of": one.pick.turn_of,
    }


def sample_values(sample: Sample) -> dict[str, Any]:
    """Return a sample as JSON values."""
    own = {name: getattr(sample, name) for name in ("at", "queue_length", "images", "step_seconds")}
    return {**own, **vars(sample.load)}


def model_values(loaded: LoadedModel, only: str | None) -> dict[str, Any]:
    """Return the loaded model as JSON values. Its name is that of a task, which a client without `read-all` may not see."""
    visible = only in (None, loaded.source)
    return {
        "loaded": not loaded.is_unloaded,
        "model": loaded.model if visible else None,
        "refiner": loaded.refiner if visible else None,
    }
