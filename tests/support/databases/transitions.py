"""Statuses that a task may have at the next look."""

from __future__ import annotations

from typing import Any

from fooocus_api.tasks.model.task import AT_RECOVERY, TRANSITIONS, TaskStatus


def reachable(*, at_recovery: bool) -> dict[str, set[str]]:
    """Return status → the statuses that the next look may find."""
    steps = {status: set(TRANSITIONS[status]) for status in TaskStatus}
    if at_recovery:
        for status, more in AT_RECOVERY.items():
            steps[status] |= more
    for _ in TaskStatus:
        for status in steps:
            steps[status] |= {later for step in steps[status] for later in steps[step]}
    return {status.value: {step.value for step in steps[status] | {status}} for status in steps}


def ended(row: dict[str, Any]) -> bool:
    return TaskStatus(row["status"]).is_terminal
