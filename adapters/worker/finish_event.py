"""Interprets the host's `finish` event: how the task ended. Runs inside the host's `except` block when the task failed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...tasks.model import events
from ...tasks.model.gaps import Gaps
from ...tasks.model.task import TaskError
from .queue_items import ID_ATTRIBUTE
from .results import drawn

SKIPS_ATTRIBUTE = "fooocus_api_skips"


def ending(task: Any, results: Any, error: BaseException | None) -> events.Ended:
    """Return how a task ended. Never raises: values that can't be read from the host's objects are listed in `missing`.

    Args:
        error: the exception being handled. The host appends the same `finish` for success and, inside its `except`, for failure.
    """
    task_id = getattr(task, ID_ATTRIBUTE)
    gaps = Gaps(task_id)
    none: list[Any] = []
    given = gaps.attempt("the results", lambda: list(results), none)
    stopped = gaps.attempt("the stop", lambda: bool(task.last_stop == "stop"), False)
    interrupted = stopped or getattr(task, SKIPS_ATTRIBUTE, 0) > 0
    whole = error is None and not interrupted
    wanted = gaps.attempt("which of the results were asked for", lambda: drawn(task, given, whole=whole), given)
    return replace(
        _event(task_id, given, wanted, error, stopped=stopped, interrupted=interrupted), missing=tuple(gaps.sentences())
    )


def _event(
    task_id: str, given: list[Any], wanted: list[Any], error: BaseException | None, *, stopped: bool, interrupted: bool
) -> events.Ended:
    if error is not None and type(error).__name__ != "EarlyReturnException":
        if interrupted and type(error).__name__ == "InterruptProcessingException":
            return events.Stopped(task_id, wanted)
        return events.Failed(task_id, wanted, TaskError.of(error))
    if stopped or (interrupted and not wanted):
        return events.Stopped(task_id, wanted)
    if not wanted:
        why = "nothing was found to enhance" if given else "Fooocus ended the task without an image"
        return events.Failed(task_id, wanted, TaskError("NoResult", why))
    return events.Finished(task_id, wanted)
