"""A short entry of a task, for lists of many."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ...tasks.model.outlook import NO_OUTLOOK, Outlook
from ...tasks.model.task import BATCH, Task
from ..responses.public_urls import PublicUrls
from .stage import StageMembers, stage_members

MAX_PROMPT_LENGTH = 200
"""Characters of a card's prompt and error."""


class TaskCard(StageMembers):
    """One task in short. Times are milliseconds since 1970, -1 while unknown."""

    task_id: str = Field(description="32 hexadecimal digits.")
    task_status: str = Field(description="The status, as in the record.")
    source: str = Field(description="The origin of the task, as in the record.")
    prompt: str = Field(description=f"The first {MAX_PROMPT_LENGTH} characters of the prompt.")
    in_queue_mills: int = Field(description="The time of acceptance.")
    start_mills: int = Field(description="The time at which the worker started it.")
    finish_mills: int = Field(description="The time of its end.")
    progress: float = Field(description="0 to 100.")
    saved_images: int = Field(description="The number of images of an ended task.")
    cover: str | None = Field(default=None, description="The URL of the first image, if there is one.")
    width: int | None = Field(default=None, description="The first image's width in pixels.")
    height: int | None = Field(default=None, description="The first image's height in pixels.")
    seed_text: str | None = Field(default=None, description="The digits of the first image's seed.")
    tags: list[str] | None = Field(default=None, description="The task's tags, if any.")
    batch_id: str | None = Field(default=None, description="The batch that the task belongs to, if any.")
    node: str | None = Field(
        default=None, description="Only in a cluster: the node that generates the task or has generated it."
    )
    error: str | None = Field(
        default=None, description="Only of a failed task: the error's type and message, shortened."
    )
    queue_position: int | None = Field(
        default=None, description="Only of a pending task: the number of tasks before it."
    )
    eta_seconds: float | None = Field(
        default=None, description="Only of a pending or running task: seconds until it ends, if known."
    )
    preview: str | None = Field(
        default=None, description="Only of a running task: its newest preview, as in the record."
    )


def card_of(task: Task, urls: PublicUrls, outlook: Outlook = NO_OUTLOOK) -> dict[str, Any]:
    """Return a task's card as JSON values, without a preview."""
    card: dict[str, Any] = {
        "task_id": task.task_id,
        "task_status": task.status.value,
        "source": task.source,
        "prompt": str(task.parameters.get("prompt") or "")[:MAX_PROMPT_LENGTH],
        "in_queue_mills": task.queued_at,
        "start_mills": task.started_at,
        "finish_mills": task.finished_at,
        "progress": task.progress,
        "saved_images": len(task.images),
    }
    if task.images:
        first = task.images[0]
        card["cover"] = urls.output(first.path)
        card["width"], card["height"] = first.width, first.height
        card["seed_text"] = None if first.seed is None else str(first.seed)
    if tags := task.parameters.get("tags"):
        card["tags"] = tags
    if place := task.notes.get(BATCH):
        card["batch_id"] = place["batch_id"]
    if task.node is not None:
        card["node"] = task.node
    if task.error is not None:
        card["error"] = f"{task.error.type}: {task.error.message}"[:MAX_PROMPT_LENGTH]
    if not task.status.is_terminal:
        card["queue_position"], card["eta_seconds"] = outlook.queue_position, outlook.eta_seconds
    return {**card, **stage_members(task)}
