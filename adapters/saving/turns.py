"""Order of the worker's reports: each takes effect after the images before it are saved."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger("fooocus_api.worker")

Action = Callable[[], object]


class Turn:
    """A place in the order. `action` is None until it may run."""

    def __init__(self, action: Action | None = None) -> None:
        self.action = action

    def release(self, action: Action) -> None:
        """Let the action run."""
        self.action = action


class Turns:
    """Runs actions strictly in the order in which their turns were added, one at a time, on the thread that completes the first.

    The turns themselves are in the list until their actions have run: `are_waiting` is False only if all have taken effect.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Turn] = deque()
        self._is_advancing = False

    @property
    def are_waiting(self) -> bool:
        """True while an added turn has not taken effect. Costs no lock."""
        return bool(self._waiting)

    def hold(self) -> Callable[[Action], None]:
        """Add a turn that holds up all later ones, and return the function that releases it with its action. Any thread."""
        turn = Turn()
        with self._lock:
            self._waiting.append(turn)

        def release(action: Action) -> None:
            with self._lock:
                turn.release(action)
            self._advance()

        return release

    def run(self, action: Action) -> None:
        """Run an action after the turns before it: at once, on this thread, if there is none. It must not wait."""
        with self._lock:
            self._waiting.append(Turn(action))
        self._advance()

    def _advance(self) -> None:
        while (action := self._next()) is not None:
            try:
                action()
            except Exception:
                log.exception("report of the worker lost; the others follow")
            with self._lock:
                self._waiting.popleft()
                self._is_advancing = False

    def _next(self) -> Action | None:
        """Return the first turn's action, None if it is not ready or another thread runs it; that thread continues."""
        with self._lock:
            if self._is_advancing or not self._waiting or self._waiting[0].action is None:
                return None
            self._is_advancing = True
            return self._waiting[0].action
