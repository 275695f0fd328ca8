"""The reason for a pending task's place in the queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reason(str, Enum):
    """The first rule of the scheduler that puts a task before an older one, or `ARRIVAL`: it is the oldest."""

    MOVED = "moved"
    PRIORITY = "priority"
    TURN = "turn"
    MODEL = "model"
    ARRIVAL = "arrival"
    NO_NODE = "no_node"
    DOWNLOAD = "download"


@dataclass(frozen=True)
class Pick:
    """A predicted pick. `turn_of` is the source whose turn it is, None for other reasons."""

    reason: Reason
    turn_of: str | None = None


OLDEST = Pick(Reason.ARRIVAL)
STRANDED = Pick(Reason.NO_NODE)
"""Stands for a task of a cluster that no node can take: none has all model files that it needs."""
DOWNLOADING = Pick(Reason.DOWNLOAD)
"""Stands for a task that is not in the queue yet, because files that it needs are missing."""
MOVED = Pick(Reason.MOVED)
