"""The stage of a task: what the worker does now, at which step of which image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Phase = Literal["queued", "loading", "preparing", "sampling", "decoding", "saving"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A task's phase, and its numbers from 1; None while unknown.

    `step` of `steps` is the last one that the sampler has done, of image `image_number` of `image_count`. After the last step
    the image is decoded.
    """

    phase: Phase = "queued"
    step: int | None = None
    steps: int | None = None
    image_number: int | None = None
    image_count: int | None = None

    def after(self, previous: Stage) -> Stage:
        """Return this stage with the numbers of the previous one that are unknown here. A new image begins without a step."""
        number, count = self.image_number or previous.image_number, self.image_count or previous.image_count
        known = replace(self, image_number=number, image_count=count)
        if self.step is None and number == previous.image_number and self.phase in ("decoding", "saving"):
            known = replace(known, step=previous.step, steps=previous.steps)
        return known


QUEUED = Stage()
