"""A pending task's queue position and ETA."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outlook:
    """Queue position and ETA of a task; None if unknown. `queue_position` counts the tasks ahead, `eta_seconds` is the time
    until the task ends."""

    queue_position: int | None = None
    eta_seconds: float | None = None


NO_OUTLOOK = Outlook()
