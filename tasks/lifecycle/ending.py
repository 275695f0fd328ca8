"""Builds the terminal state of a task from the worker's event. No failure prevents it: the record names its gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..model import events
from ..model.active_tasks import ActiveTask
from ..model.image_record import MAX_PATH_LENGTH
from ..model.json_values import well_formed
from ..model.task import Image, Task, TaskError, TaskStatus
from ..streaming.updates import Kind

OUTCOMES: dict[type[events.Event], tuple[Kind, TaskStatus]] = {
    events.Finished: ("finished", TaskStatus.FINISHED),
    events.Failed: ("failed", TaskStatus.FAILED),
    events.Stopped: ("stopped", TaskStatus.STOPPED),
}


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
    return kind, replace(task, notes=live.gaps.added_to(task.notes))


def _images(live: ActiveTask, event: events.Ended, image_of: Callable[[str], Image | None]) -> list[Image]:
    cut_short = not isinstance(event, events.Finished)  # the results then lack images that were saved before
    paths = [path for path in [*event.results, *(live.saved if cut_short else ())] if isinstance(path, str)]
    images: dict[str, Image] = {}
    for path in dict.fromkeys(paths):
        image = live.gaps.attempt("an image of the host", partial(image_of, path), None)
        if image is not None and len(image.path) > MAX_PATH_LENGTH:
            live.gaps.note(f"an image whose path has more than {MAX_PATH_LENGTH} characters")
        elif image is not None:
            images.setdefault(image.path, image)
    return list(images.values())


def _plain(error: TaskError) -> TaskError:
    return TaskError(well_formed(error.type), well_formed(error.message))
