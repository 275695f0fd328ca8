"""The catalogue of this node, written for the gateways whenever it has changed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ...db.writer import DatabaseUnavailable

log = logging.getLogger("fooocus_api.cluster")

LOOK_S = 5.0
"""Seconds between two looks into the folders."""
SHARE = 50
"""A look that takes long, as on a network drive, is followed by a pause of this many times its length."""
MAX_PAUSE_S = 60.0


class Offers:
    """Looks at what this node offers from time to time, and at once when a gateway asks. Thread-safe."""

    def __init__(self, read: Callable[[], dict[str, Any]], write: Callable[[dict[str, Any]], None]) -> None:
        """Store the functions.

        Args:
            read: returns the catalogue, with its digest, as the folders are now.
            write: writes a catalogue for the gateways.
        """
        self._read = read
        self._write = write
        self._written = ""
        self._looked_s = 0.0
        self._began_s = -MAX_PAUSE_S
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def start(self) -> None:
        """Look from now on, on a thread."""
        threading.Thread(target=self._run, name="fooocus-api-offers", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()

    def look(self, within_s: float = -1) -> None:
        """Write the catalogue if it has changed. It may take long. A look that began after this call counts for it, too.

        Args:
            within_s: the seconds to wait for the look that runs; -1 for as long as it takes.

        Raises:
            DatabaseUnavailable: it was not written.
            TimeoutError: the look that ran did not end in time.
        """
        asked_s = time.monotonic()
        if not self._lock.acquire(timeout=within_s):
            raise TimeoutError("the node still looks into its folders; ask again a little later")
        try:
            if self._began_s <= asked_s:
                self._look()
        finally:
            self._lock.release()

    def _look(self) -> None:
        began_s = time.monotonic()
        catalogue = self._read()
        self._looked_s = time.monotonic() - began_s
        if catalogue["digest"] != self._written:
            self._write(catalogue)
            self._written = catalogue["digest"]
        self._began_s = began_s

    def _run(self) -> None:
        while not self._closing.wait(min(max(LOOK_S, self._looked_s * SHARE), MAX_PAUSE_S)):
            try:
                self.look()
            except DatabaseUnavailable:
                pass  # the next look is soon
            except Exception:
                log.exception("catalogue of this node not written")
