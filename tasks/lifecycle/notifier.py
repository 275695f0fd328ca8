"""Publishes the updates of tasks, with their queue positions and ETAs."""

from __future__ import annotations

from ...images.preview import PreviewImage
from ..model.active_tasks import ActiveTasks
from ..model.gaps import complain
from ..model.outlook import NO_OUTLOOK
from ..model.task import Image, Task, TaskStatus
from ..queue.eta import EtaCalculator
from ..streaming.broadcaster import Broadcaster
from ..streaming.updates import Kind


class QueueNotifier:
    """Notifies the subscribers of tasks. Bus thread only."""

    def __init__(self, active: ActiveTasks, broadcaster: Broadcaster, eta: EtaCalculator) -> None:
        self._active = active
        self._broadcaster = broadcaster
        self._eta = eta

    def queued(self, task: Task) -> None:
        """Publish that a task is in the queue. Its outlook is computed only for subscribers: a flood would make it costly."""
        outlook = self._eta.outlook(task) if self._broadcaster.has_subscribers(task.task_id) else NO_OUTLOOK
        self._broadcaster.publish("queued", task, outlook=outlook)

    def running(self, kind: Kind, task: Task, preview: PreviewImage | None = None) -> None:
        """Publish the start or the progress of the running task."""
        self._broadcaster.publish(kind, task, preview, outlook=self._eta.outlook(task))

    def image(self, task: Task, image: Image) -> None:
        """Publish an image that the running task has saved."""
        self._broadcaster.publish("image", task, image=image)

    def ended(self, kind: Kind, task: Task) -> None:
        """Publish a task's end. Try twice: without it subscribers would wait forever."""
        try:
            self._broadcaster.publish(kind, task)
        except BaseException:
            complain("publication of a task's end", task_id=task.task_id)
            self._broadcaster.publish(kind, task)

    def queue_changed(self, but: str | None = None) -> None:
        """Publish changed queue positions of pending tasks that have subscribers, except `but`."""
        pending = [
            live for task_id in self._broadcaster.subscribed_tasks() - {but} if (live := self._active.get(task_id))
        ]
        pending = [live for live in pending if live.task.status is TaskStatus.PENDING]
        outlooks = self._eta.outlooks([live.task.task_id for live in pending]) if pending else {}
        for live in pending:
            outlook = outlooks.get(live.task.task_id) or self._eta.outlook(live.task)
            if outlook.queue_position != live.position:
                live.position = outlook.queue_position
                self._broadcaster.publish("queued", live.task, outlook=outlook)
