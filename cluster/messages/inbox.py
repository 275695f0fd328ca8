"""The inbox of a process: assembles the fragments that its listener receives, and passes each message to its handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..signals.fragments import Assembler
from .notices import Notice, from_json

Taker = Callable[[str, Any], None]
"""Takes the sender's name and a message."""


class Inbox:
    """Passes messages to handlers by their class. Its own process's messages are left out. One thread only.

    Args:
        own: name of this process's sender.
        takers: class of the messages → what takes them, with their sender.
    """

    def __init__(self, own: str, takers: Mapping[type[Notice], Taker]) -> None:
        self.unknown = 0
        """Messages that this version does not know."""
        self._own = own
        self._takers = dict(takers)
        self._assembler = Assembler()

    def receive(self, fragment: str) -> None:
        """Take a fragment, as a handler of the listener.

        Raises:
            ValueError: the text is no fragment.
        """
        if fragment.startswith(f"{self._own} "):
            return
        received = self._assembler.add(fragment)
        if received is None:
            return
        notice = from_json(received.content)
        if notice is None:
            self.unknown += 1
            return
        taker = self._takers.get(type(notice))
        if taker is not None:
            taker(received.sender, notice)
