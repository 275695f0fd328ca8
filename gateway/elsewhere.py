"""The worker of a process that has none: tasks are queued for the nodes, and refused only if no node could generate them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..adapters.task_args.image_checks import check_images
from ..adapters.task_args.images.image_files import ImageFiles
from ..adapters.task_args.workload_fields import workload_of
from ..images.storage.places import ImagePlaces
from ..tasks.model.task import Task
from ..tasks.model.workload.workload import ModelNeeds, Workload
from ..tasks.ports.engine import EngineFiles, EngineUnavailable, Interruption, QueueOrder, Stayed
from ..tasks.queue.pending_order import PendingOrder
from ..tasks.queue.scheduler import Scheduler
from .host.catalog import ClusterCatalog
from .host.nodes import NOT_HERE


class ForeignFiles:
    """Implements `tasks.ports.engine.EngineFiles` without a folder: finds and deletes the images of all nodes.

    Args:
        forget: is called with the names of images that have been deleted.
    """

    def __init__(self, places: ImagePlaces, forget: Callable[[Sequence[str]], None]) -> None:
        self._places = places
        self._forget = forget

    def save_array(self, task_id: str, array: Any, image_format: str) -> str:
        _refuse()

    def encode(self, array: Any) -> bytes:
        _refuse()

    def keep(self, task_id: str, path: str) -> str:
        _refuse()

    def relative_path(self, path: str) -> str | None:
        return self._places.relative_path(path)

    def is_kept(self, path: str) -> bool:
        return True

    def is_unfinished(self, file: Path) -> bool:
        return False

    def finish_saves(self, within_s: float) -> None:
        """Do nothing: no image is saved here."""

    def remove_images(self, paths: Sequence[str]) -> list[Stayed]:
        stay = self._places.remove_elsewhere(paths)
        self._forget(paths)
        return [Stayed(path, file, error) for path, (file, error) in stay.items()]


class NoWorker:
    """Implements `cluster.claim.node_worker.LocalEngine` without a worker: all tasks are the nodes'.

    Args:
        places: finds and deletes the images of all nodes.
        forget: is called with the names of images that have been deleted.
    """

    def __init__(
        self,
        catalog: ClusterCatalog,
        places: ImagePlaces,
        forget: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        self._catalog = catalog
        self.order: QueueOrder = PendingOrder(Scheduler(), lambda _: None)
        """Empty: the waiting tasks are in the order of the cluster."""
        self._inputs = ImageFiles(places.find_reference)
        self.files: EngineFiles = ForeignFiles(places, forget)

    def check(self, parameters: dict[str, Any]) -> None:
        check_images(parameters, self._inputs)

    def workload(self, parameters: dict[str, Any]) -> Workload:
        return workload_of(parameters, self._steps)

    def _steps(self, performance: str) -> int | None:
        return next((one.steps for one in self._catalog.performances() if one.name == performance), None)

    def is_free(self) -> bool:
        return False

    def loaded(self) -> ModelNeeds | None:
        return None

    def enqueue(self, task: Task, workload: Workload) -> None:
        """Do nothing: the task is in the cluster's queue."""

    def hand_over(self, task: Task, workload: Workload) -> None:
        _refuse()

    def withdraw(self, task_id: str) -> bool:
        return False

    def in_hand(self) -> str | None:
        return None

    def interrupt(self, task_id: str, how: Interruption) -> bool:
        return False


def _refuse() -> NoReturn:
    raise EngineUnavailable(NOT_HERE)
