"""The gaps of a task's record. Filled by the tracker's parts where something can't be read or done."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any, TypeVar

log = logging.getLogger("fooocus_api.tasks")

T = TypeVar("T")
MOST = 50
"""Sentences of one task: it may have as many images."""
LONGEST = 300
"""Characters of one sentence, which may quote an exception."""


def complain(what: str, **extra: str) -> None:
    """Log the exception in flight. A console that can't be written keeps no task from ending."""
    with contextlib.suppress(BaseException):
        log.exception("a part of a task's life failed", extra={"part": what, **extra})


class Gaps:
    """Sentences, each naming what is missing. Any thread may add one."""

    def __init__(self, task_id: str = "") -> None:
        self._task_id = task_id
        self._sentences: dict[str, None] = {}

    def note(self, sentence: str) -> None:
        """Name something that is missing, once."""
        if len(self._sentences) < MOST:
            self._sentences[_plain(sentence)] = None

    def attempt(self, what: str, action: Callable[[], T], otherwise: T) -> T:
        """Return what `action` gives; if it raises, whatever it is, note that `what` is missing and return `otherwise`."""
        try:
            return action()
        except BaseException as error:  # a decoder may raise SystemExit, too; this thread has to end a task
            complain(what, task_id=self._task_id)
            self.note(f"{what}: {reason_of(error)}")
            return otherwise

    def sentences(self) -> list[str]:
        """Return what was noted, in its order."""
        return list(self._sentences)

    def added_to(self, notes: dict[str, Any]) -> dict[str, Any]:
        """Return a task's notes with what is missing, where something is."""
        return {**notes, "incomplete": self.sentences()} if self._sentences else notes


def reason_of(error: BaseException) -> str:
    """Return an exception in words, also one that has none or can't say them."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _plain(text: str) -> str:
    whole = text.replace("\x00", " ").encode("utf-8", "replace").decode()
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"
