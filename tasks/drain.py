"""The orderly end of a node of a cluster: it finishes its task, and the others do the rest."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from .lifetime import Lifetime
from .sharing import Following

log = logging.getLogger("fooocus_api.cluster")

LOOK_S = 0.1
"""Seconds between two looks at the running task."""


class Drain:
    """Drains this process once, if it belongs to a cluster."""

    def __init__(self, following: Following | None, lifetime: Lifetime) -> None:
        self._following = following
        self._lifetime = lifetime

    def begin(self, then: Callable[[], None]) -> bool:
        """Take no more tasks, and call `then` on a thread of its own once the running one has ended, images and record included.

        Return False at once without a cluster, and while this process closes.
        """
        if self._following is None or self._lifetime.is_closing:
            return False
        threading.Thread(target=self._run, args=(self._following, then), name="fooocus-api-drain", daemon=True).start()
        return True

    def _run(self, following: Following, then: Callable[[], None]) -> None:
        log.info("draining: this process finishes its task and takes no other; a second signal ends it at once")
        following.drain()
        while following.is_busy() and not self._lifetime.is_closing:
            time.sleep(LOOK_S)
        if not self._lifetime.is_closing:
            log.info("drained")
            then()
