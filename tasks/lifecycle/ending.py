"""Ends a task, from the worker's event to its row. Failures on the way do not prevent the end: the record names its gaps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from ...db.repository import Repository
from ..model import events, rows
from ..model.active_tasks import ActiveTask
from ..model.gaps import Gaps, complain, reason_of
from ..model.image_record import MAX_PATH_LENGTH
from ..model.json_values import well_formed
from ..model.task import TERMINAL_STATUSES, Image, Task, TaskError, TaskStatus
from ..streaming.updates import Kind
from ..webhooks.delivery import Webhooks

OUTCOMES: dict[type[events.Event], tuple[Kind, TaskStatus]] = {
    events.Finished: ("finished", TaskStatus.FINISHED),
    events.Failed: ("failed", TaskStatus.FAILED),
    events.Stopped: ("stopped", TaskStatus.STOPPED),
}


@dataclass(frozen=True)
class Written:
    """The task as stored, and its receiver for `Webhooks.wake`, None without a webhook."""

    task: Task
    receiver: str | None


Ending = Future["Written | None"]
"""Future of a written end; its result is None if the task had ended before."""


def ended_task(live: ActiveTask, event: events.Ended, image_of: Callable[[str], Image | None]) -> tuple[Kind, Task]:
    """Return a copy of the task in its terminal state. Never raises.

    Args:
        image_of: returns the record of the image at an absolute path, None outside the host's folders.
    """
    for sentence in event.missing:
        live.gaps.note(sentence)
    kind, status = OUTCOMES[type(event)]
    task = replace(live.task)
    if task.status is TaskStatus.PENDING and status is not TaskStatus.STOPPED:
        task.transition(TaskStatus.RUNNING, at=event.at)
    none: list[Image] = []
    task.images = live.gaps.attempt("the images", lambda: _images(live, event, image_of), none)
    if isinstance(event, events.Failed):
        task.error = live.gaps.attempt("the error's message", lambda: _plain(event.error), TaskError("Unknown", ""))
    task.transition(status, at=event.at)
    return kind, _with_gaps(task, live.gaps)


def write_end(repository: Repository, webhooks: Webhooks, task: Task, gaps: Gaps) -> Callable[[], Written | None]:
    """Return a change for the writer's thread that writes a task's end and makes its webhook due.

    The change returns None if the task had ended before. If the database rejects the row, it is written with fewer and fewer
    values, at last with little more than the status.
    """

    def write(form: Task) -> Written | None:
        form = _with_gaps(form, gaps)
        if not repository.update(task.task_id, rows.changes(form), unless=TERMINAL_STATUSES):
            if repository.get(task.task_id) is not None:
                return None
            repository.insert(rows.to_row(form))  # a WebUI task whose row could not be written when it was queued
        return Written(form, None)

    def end() -> Written | None:
        written = repository.first_possible(
            [partial(write, form) for form in _forms(task)],
            lambda error: _refused(gaps, "a part of the record, which the database did not take", error),
        )
        if written is None:
            return None
        receiver = repository.first_possible(
            [lambda: webhooks.ended(task), lambda: None],
            lambda error: _refused(gaps, "the webhook, which could not be noted", error),
        )
        noted = _with_gaps(written.task, gaps)
        if noted.notes != written.task.notes:
            repository.update(task.task_id, {"notes": noted.notes})
        return Written(noted, receiver)

    return end


def as_written(written: Ending, task: Task) -> Task:
    """Return the task as stored if its end has been written by now, otherwise `task`."""
    done = written.result() if written.done() and written.exception() is None else None
    return task if done is None else done.task


def _refused(gaps: Gaps, what: str, error: BaseException) -> None:
    complain(what)
    gaps.note(f"{what}: {reason_of(error)}")


def _forms(task: Task) -> list[Task]:
    """Return versions of the task with fewer and fewer values, to try in turn."""
    plain = [replace(image, metadata={}, seed=None, width=None, height=None, format=None) for image in task.images]
    error = task.error and TaskError(task.error.type[:100], "")
    bare = replace(task, images=[], error=error, title="", progress=0)
    return [task, replace(task, images=plain), bare, replace(bare, parameters={}, downloads=[], webhook_url="")]


def _images(live: ActiveTask, event: events.Ended, image_of: Callable[[str], Image | None]) -> list[Image]:
    cut_short = not isinstance(event, events.Finished)  # the results then lack images that were saved before
    paths = [path for path in [*event.results, *(live.saved if cut_short else ())] if isinstance(path, str)]
    images: dict[str, Image] = {}
    for path in dict.fromkeys(paths):
        image = live.gaps.attempt("an image of the host's", partial(image_of, path), None)
        if image is not None and len(image.path) > MAX_PATH_LENGTH:
            live.gaps.note(f"an image whose path has more than {MAX_PATH_LENGTH} characters")
        elif image is not None:
            images.setdefault(image.path, image)
    return list(images.values())


def _plain(error: TaskError) -> TaskError:
    return TaskError(well_formed(error.type), well_formed(error.message))


def _with_gaps(task: Task, gaps: Gaps) -> Task:
    return replace(task, notes=gaps.added_to(task.notes))
