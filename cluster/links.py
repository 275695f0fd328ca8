"""The parts by which a process of a cluster reaches its worker, its memory, and the other processes."""

from __future__ import annotations

from dataclasses import dataclass

from ..tasks.model.active_tasks import ActiveTasks
from .following.row_reader import RowReader
from .nodes.recovery import NodeRecovery
from .signals.sender import NotificationSender


@dataclass(frozen=True)
class Links:
    """The active tasks in memory, the reader of rows, the sender of notifications, and the recovery of lost nodes' tasks."""

    active: ActiveTasks
    reader: RowReader
    sender: NotificationSender
    recovery: NodeRecovery
