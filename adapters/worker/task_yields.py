"""Each task's `yields` as a list subclass that reports what the worker appends.

Exceptions here must not reach the worker: the `append` in its `except` runs outside any `try`, and an exception there ends its
thread permanently. Each override does what the plain list does, and guards the rest.
Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .worker import Worker


class TaskYields(list[Any]):
    """A task's `yields`. Items are kept only for the WebUI, which reads and removes them; for other tasks they would pile up."""

    def __init__(self, worker: Worker, task: Any, *, keep: bool) -> None:
        super().__init__(task.yields)
        self._worker = worker
        self._task = task
        self._keep = keep
        self._ended = False

    def append(self, item: Any) -> None:
        if self._keep and not self._worker.call_safely(self._worker.postpone, self._task, item, super().append):
            super().append(item)
        if not self._ended:  # the host appends a second `finish` if something fails after the first
            self._worker.call_safely(self._report, item)

    def _report(self, item: Any) -> None:
        flag, product = item
        if flag == "finish":
            self._ended = True
            self._worker.on_finish(self._task, product)
        else:
            self._worker.on_yield(self._task, item)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return copy.deepcopy(list(self), memo)

    def __reduce_ex__(self, _: Any) -> Any:
        return list, (list(self),)
