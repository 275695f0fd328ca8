"""Messages in fragments: a notice of PostgreSQL has less than 8,000 bytes, a preview has ten times as many.

A fragment is `SENDER NUMBER INDEX COUNT TEXT`. The texts of a message's fragments make its JSON, in ASCII.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MAX_FRAGMENT = 7_900
"""Bytes of a fragment, its head included."""
HEAD = 80
"""Bytes kept free for the head: the sender's name, and three numbers."""
MAX_AGE_S = 10.0
"""Seconds after which an incomplete message is given up."""
MAX_SENDERS = 10_000
MAX_FRAGMENTS = 1_000
MAX_MESSAGE = MAX_FRAGMENTS * (MAX_FRAGMENT - HEAD)
"""Bytes of a message's JSON, which is in ASCII."""


def to_fragments(sender: str, number: int, message: Any) -> list[str]:
    """Return a JSON value as fragments.

    Args:
        sender: name without spaces, in ASCII, which fits into the head.
        number: the message's number; those of one sender ascend.

    Raises:
        TypeError, ValueError: it is no JSON value, or it needs more than `MAX_FRAGMENTS`.
    """
    text = _text(message)
    size = MAX_FRAGMENT - HEAD
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    if len(text) > MAX_MESSAGE:
        raise ValueError(f"a message of {len(text)} bytes")
    return [f"{sender} {number} {index} {len(parts)} {part}" for index, part in enumerate(parts)]


def fits(message: Any) -> bool:
    """Return whether a JSON value can be sent as one message."""
    return len(_text(message)) <= MAX_MESSAGE


def _text(message: Any) -> str:
    return json.dumps(message, separators=(",", ":"))


@dataclass(slots=True)
class _Incomplete:
    count: int
    began_s: float
    parts: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """A complete message and its sender's name."""

    sender: str
    content: Any


class Assembler:
    """Puts fragments together, per sender and number. One thread only.

    Incomplete messages are given up once a newer one of their sender is complete, or after `MAX_AGE_S`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.given_up = 0
        self._clock = clock
        self._incomplete: dict[str, dict[int, _Incomplete]] = {}

    def add(self, fragment: str) -> Received | None:
        """Return the message that a fragment completes, None if more are missing.

        Raises:
            ValueError: the text is no fragment, or it completes what is no JSON.
        """
        sender, number, index, count, part = _read(fragment)
        self._give_up_old()
        of_sender = self._incomplete.setdefault(sender, {})
        one = of_sender.setdefault(number, _Incomplete(count, self._clock()))
        one.parts[index] = part
        if len(one.parts) < one.count:
            return None
        older = [other for other in of_sender if other < number]
        for other in (*older, number):
            del of_sender[other]
        self.given_up += len(older)
        if not of_sender:
            del self._incomplete[sender]
        return Received(sender, json.loads("".join(one.parts[index] for index in range(one.count))))

    def _give_up_old(self) -> None:
        if not self._incomplete:
            return
        limit = self._clock() - MAX_AGE_S
        for sender, of_sender in [*self._incomplete.items()]:
            for number in [number for number, one in of_sender.items() if one.began_s < limit]:
                del of_sender[number]
                self.given_up += 1
            if not of_sender:
                del self._incomplete[sender]
        while len(self._incomplete) > MAX_SENDERS:
            self.given_up += len(self._incomplete.pop(next(iter(self._incomplete))))


def _read(fragment: str) -> tuple[str, int, int, int, str]:
    sender, number, index, count, part = fragment.split(" ", 4)
    place, fragments = int(index), int(count)
    if not 0 <= place < fragments <= MAX_FRAGMENTS:
        raise ValueError(f"fragment {place} of {fragments}")
    return sender, int(number), place, fragments, part
