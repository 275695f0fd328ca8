"""Gaps of a task's record: sentences about parts that could not be read or saved."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any, TypeVar

log = logging.getLogger("fooocus_api.tasks")

T = TypeVar("T")
MAX_GAPS = 50
"""Sentences per task: each of its images may add one."""
MAX_SENTENCE_LENGTH = 300
"""Characters per sentence, which may quote an exception."""


def complain(what: str, **extra: str) -> None:
    """Log the current exception. Ignore an error of the console, so that the task ends anyway."""
    with contextlib.suppress(BaseException):
        log.exception("task handling step failed", extra={"part": what, **extra})


def run_safely(task_id: str, step: Callable[[], object]) -> None:
    """Run one step of several that follow an event. Log any exception, so that the other steps run, too."""
    try:
        step()
    except BaseException:
        complain("a step after an event", task_id=task_id)


class Gaps:
    """Sentences, each naming a missing part of the record. Any thread may add one."""

    def __init__(self, task_id: str = "") -> None:
        self._task_id = task_id
        self._sentences: dict[str, None] = {}

    def note(self, sentence: str) -> None:
        """Add a sentence about a missing part, unless it is there already."""
        if len(self._sentences) < MAX_GAPS:
            self._sentences[_plain(sentence)] = None

    def attempt(self, what: str, action: Callable[[], T], otherwise: T) -> T:
        """Return the result of `action`. If it raises any exception, note that `what` is missing and return `otherwise`."""
        try:
            return action()
        except BaseException as error:  # a decoder may raise SystemExit, too; this thread has to end a task
            complain(what, task_id=self._task_id)
            self.note(f"{what}: {reason_of(error)}")
            return otherwise

    def sentences(self) -> list[str]:
        """Return the sentences in the order in which they were added."""
        return list(self._sentences)

    def added_to(self, notes: dict[str, Any]) -> dict[str, Any]:
        """Return a task's notes with the sentences under `incomplete`, unchanged without any."""
        return {**notes, "incomplete": self.sentences()} if self._sentences else notes


def reason_of(error: BaseException) -> str:
    """Return an exception's type and message; the type alone if the message is empty or can't be read."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _plain(text: str) -> str:
    whole = text.replace("\x00", " ").encode("utf-8", "replace").decode()
    return whole if len(whole) <= MAX_SENTENCE_LENGTH else f"{whole[: MAX_SENTENCE_LENGTH - 1]}…"
