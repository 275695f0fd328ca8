"""Protocol of what learns of the ends of tasks."""

from __future__ import annotations

from typing import Protocol

from ..model.task import Task


class EndListener(Protocol):
    """Learns of the ends of tasks, each once."""

    def on_end(self, task: Task) -> None:
        """Change the database in the transaction that ends the task. On the writer's thread."""

    def after_end(self, task: Task) -> None:
        """Act once the end is on the disk. It must return at once."""
