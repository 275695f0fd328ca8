"""The repetition of each image in a task's record."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from ...tasks.model.task import Task
from ...tasks.ports.engine import EngineUnavailable
from ..context import Context
from ..responses.public_urls import PublicUrls
from ..schemas.task import with_image_urls
from .bodies import Repeater, Repetition

log = logging.getLogger("fooocus_api.api")


def with_repetitions(record: dict[str, Any], context: Context, task: Task, urls: PublicUrls) -> dict[str, Any]:
    """Return the record with each image's `repeat`, `exact` and `differences`, unchanged before the task's end.

    Reads the database and the versions of model files: off the event loop.
    """
    if not task.status.is_terminal or not task.images:
        return record
    try:
        repeater = Repeater(context, task)
        found = [_members(repeater.image(position), urls) for position in range(len(task.images))]
    except EngineUnavailable:  # no node of the cluster can be asked now
        return record
    except Exception:  # another program's parameters, or a host's: the record is worth more than this part of it
        log.exception("repetitions of a task not read", extra={"task_id": task.task_id})
        return record
    return {**record, "images": [{**entry, **own} for entry, own in zip(record["images"], found, strict=True)]}


def _members(repetition: Repetition, urls: PublicUrls) -> dict[str, Any]:
    found = [asdict(difference) for difference in repetition.differences]
    members: dict[str, Any] = {"repeat": with_image_urls(repetition.body, urls), "exact": not found}
    return {**members, "differences": found} if found else members
