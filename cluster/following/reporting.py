"""The notifier of this process's own tasks, which also reports their progress to the processes that watch them."""

from __future__ import annotations

from ...images.preview import PreviewImage
from ...tasks.lifecycle.notifier import QueueNotifier
from ...tasks.model.active_tasks import ActiveTasks
from ...tasks.model.task import Image, Task
from ...tasks.queue.eta import EtaCalculator
from ...tasks.streaming.broadcaster import Broadcaster
from ...tasks.streaming.updates import Kind
from ..messages.notices import TaskProgress
from ..messages.reporter import Reporter


class ReportingNotifier(QueueNotifier):
    """Notifies the subscribers here first. Starts and ends need no report: the others read them from the row."""

    def __init__(self, active: ActiveTasks, broadcaster: Broadcaster, eta: EtaCalculator, reporter: Reporter) -> None:
        super().__init__(active, broadcaster, eta)
        self._reporter = reporter

    def running(self, kind: Kind, task: Task, preview: PreviewImage | None = None) -> None:
        super().running(kind, task, preview)
        if kind == "progress":
            progress = TaskProgress(task.task_id, task.attempts, task.progress, task.title, task.stage)
            self._reporter.progress(progress, preview)

    def image(self, task: Task, image: Image) -> None:
        super().image(task, image)
        self._reporter.image(task.task_id, task.attempts, image)

    def ended(self, kind: Kind, task: Task) -> None:
        super().ended(kind, task)
        self._reporter.forget(task.task_id)
