"""The stage of a task that has not ended, in records, cards and events."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from ...tasks.model.task import Task


class StageMembers(BaseModel):
    """The stage of a task that has not ended."""

    phase: str | None = Field(
        default=None,
        description="Only of a pending or running task: queued, loading, preparing, sampling, decoding or saving.",
    )
    step: int | None = Field(default=None, description="The last step that the sampler has done, of `steps`.")
    steps: int | None = Field(default=None, description="The steps of the current image.")
    image_number: int | None = Field(
        default=None, description="The number of the current image, from 1 to `image_count`."
    )
    image_count: int | None = Field(default=None, description="The number of images, or of enhancements.")
    started_at: int | None = Field(default=None, description="The start in milliseconds since 1970.")


def stage_members(task: Task) -> dict[str, Any]:
    """Return the members of `StageMembers` for a task: those of a running one, the phase of a pending one, none otherwise."""
    if task.status.is_terminal:
        return {}
    stage = task.stage
    if task.started_at == -1:
        return {"phase": stage.phase}
    return {
        "phase": stage.phase,
        "step": stage.step,
        "steps": stage.steps,
        "image_number": stage.image_number,
        "image_count": stage.image_count,
        "started_at": task.started_at,
    }
