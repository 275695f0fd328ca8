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
LONGEST_S = 60.0


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
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def start(self) -> None:
        """Look from now on, on a thread."""
        threading.Thread(target=self._run, name="fooocus-api-offers", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()

    def look(self) -> None:
        """Write the catalogue if it has changed. It may take long.

        Raises:
            DatabaseUnavailable: it was not written.
        """
        with self._lock:
            began = time.monotonic()
            catalogue = self._read()
            self._looked_s = time.monotonic() - began
            if catalogue["digest"] != self._written:
                self._write(catalogue)
                self._written = catalogue["digest"]

    def _run(self) -> None:
        while not self._closing.wait(min(max(LOOK_S, self._looked_s * SHARE), LONGEST_S)):
            try:
                self.look()
            except DatabaseUnavailable:
                pass  # the next look is soon
            except Exception:
                log.exception("catalogue of this node not written")
