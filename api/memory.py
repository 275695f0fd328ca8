"""How much of what clients send is in memory at once, of all requests together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import Problem


class Memory:
    """A number of bytes that requests share; `left` is what nobody has."""

    def __init__(self, most: int) -> None:
        self.left = most
        self._lock = threading.Lock()

    @contextmanager
    def share(self) -> Iterator[Share]:
        """What one request takes of it, until the `with` block ends."""
        share = Share(self)
        try:
            yield share
        finally:
            self.take(-share.size)

    def take(self, size: int) -> bool:
        """Whether there was so much left. From any thread."""
        with self._lock:
            if size > max(self.left, 0):
                return False
            self.left -= size
            return True


class Share:
    """Of one request. `size` are the bytes that it has."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.size = 0

    def take(self, size: int) -> None:
        """Have so many bytes more.

        Raises:
            Problem: 503, others have too much.
        """
        if not self._memory.take(size):
            raise Problem(503, "too many large requests at once; try again later", headers={"Retry-After": "5"})
        self.size += size


BODIES = Memory(2**30)
"""For bodies while they are read, and until they are answered."""
PICTURES = Memory(2**30)
"""For pictures that wait for their turn at the models."""
