"""A pause of Python's garbage collector while many objects are made that stay: it would walk all of them again and again."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector(*, makes_garbage: bool = False) -> Iterator[None]:
    """Pause the collector of reference cycles, in all threads, unless it is off already.

    Then it runs once if there is garbage, whose memory the next objects take. Otherwise all objects count as old ones without
    a walk over them: the collector looks at those when many more have been made.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if makes_garbage:
            gc.collect()
        else:
            gc.freeze()
            gc.unfreeze()  # into the oldest generation
        gc.enable()


def pause_collector_until(event: threading.Event, most_s: float) -> None:
    """Pause the collector until the event is set, for at most `most_s` seconds, and let it collect at the end."""
    with paused_collector(makes_garbage=True):
        event.wait(most_s)
