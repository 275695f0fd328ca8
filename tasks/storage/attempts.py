"""Second and later attempts to write a task that the database has refused: with fewer and fewer values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...db.repository import Repository
from ..model.gaps import Gaps, complain, reason_of
from ..model.task import Task, TaskError
from ..model.workload.workload import Workload


def add_or_find(repository: Repository, add: Callable[[], Task], find: Callable[[], Task | None]) -> Task:
    """Add a task, or return the one that another process of the cluster has stored with its idempotency key just now.

    On the writer's thread.
    """
    refusals: list[BaseException] = []

    def found() -> Task:
        earlier = find()
        if earlier is None:
            raise refusals[0]
        return earlier

    return repository.first_possible([add, found], refusals.append)


def forms(task: Task, workload: Workload) -> list[tuple[Task, Workload]]:
    """Return versions of the task with fewer and fewer values, to try in turn."""
    plain = [replace(image, metadata={}, seed=None, width=None, height=None, format=None) for image in task.images]
    error = task.error and TaskError(task.error.type[:100], "")
    bare = replace(task, images=[], error=error, title="", progress=0)
    least = replace(bare, parameters={}, downloads=[], webhook_url="")
    return [(task, workload), (replace(task, images=plain), workload), (bare, workload), (least, Workload())]


def with_gaps(task: Task, gaps: Gaps) -> Task:
    """Return the task with its gaps in its notes."""
    return replace(task, notes=gaps.added_to(task.notes))


def refused(gaps: Gaps, what: str, error: BaseException) -> None:
    """Note that the database has rejected a part of the record."""
    complain(what)
    gaps.note(f"{what}: {reason_of(error)}")
