"""The sender of a process: sends messages to the others, from any thread, without ever holding one up."""

from __future__ import annotations

import contextlib
import itertools
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from .connection import connect
from .fragments import to_fragments

log = logging.getLogger("fooocus_api.cluster")

MAX_WAITING = 1_000
"""Messages that may wait; the oldest make room for newer ones."""
MAX_BATCH = 32
"""Messages that are sent in one transaction."""
MAX_AGE_S = 5.0
"""Seconds that a message may wait for the database; older ones are of no use to anyone."""
FIRST_RETRY_S = 0.1
MAX_RETRY_S = 2.0
NOTIFY = "SELECT pg_notify(channel, fragment) FROM unnest(%s::text[], %s::text[]) AS sent (channel, fragment)"

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Waiting:
    channels: tuple[str, ...]
    content: Content | Callable[[], Content]
    since_s: float = field(default_factory=time.monotonic)


class NotificationSender:
    """Publishes messages on channels of the database, in a thread with a connection of its own.

    While the database can't be reached, messages are dropped and counted: who listens reads the rows again later.

    Args:
        location: the database's URL.
    """

    def __init__(self, location: str) -> None:
        self.name = secrets.token_hex(8)
        """Name of this sender, unique among all processes."""
        self.sent = 0
        self.replaced = 0
        """Messages in whose place a newer one with the same key was sent."""
        self.dropped = 0
        self._location = location
        self._number = 0
        self._waiting: OrderedDict[Hashable, _Waiting] = OrderedDict()
        self._slots = itertools.count()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="fooocus-api-sender", daemon=True)
        self._thread.start()

    def send(
        self, channels: str | Collection[str], content: Content | Callable[[], Content], key: Hashable = None
    ) -> None:
        """Send a JSON object to all that listen on one of the channels. Never raises, never waits; any thread.

        Args:
            content: the object, or a function that makes it, which runs on the sender's thread just before it is sent.
            key: a message that waits with the same key is replaced: of a task's previews only the newest is of use.
        """
        names = (channels,) if isinstance(channels, str) else tuple(channels)
        if not names:
            return
        one = _Waiting(names, content)
        with self._changed:
            if self._closing:
                self.dropped += 1
                return
            slot = ("", next(self._slots)) if key is None else key
            if slot in self._waiting:
                self.replaced += 1
            elif len(self._waiting) >= MAX_WAITING:
                self._waiting.popitem(last=False)
                self.dropped += 1
            self._waiting[slot] = one  # a replaced one keeps its place
            self._changed.notify()

    def close(self, within_s: float | None = 2.0) -> None:
        """Send the waiting messages, then end. Wait at most `within_s` seconds for it."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(within_s)

    def _run(self) -> None:
        connection = _Connection(self._location)
        retry_s, is_lost = FIRST_RETRY_S, False
        while (batch := self._next()) is not None:
            made = [(one.channels, self._fragments(one)) for one in batch]
            messages = sum(bool(fragments) for _, fragments in made)
            if not messages:  # too old, or not to be sent: the database is not asked, and may be away
                continue
            try:
                connection.send(
                    [
                        (channel, fragment)
                        for channels, fragments in made
                        for channel in channels
                        for fragment in fragments
                    ]
                )
            except (psycopg.Error, OSError, ValueError) as error:
                if not is_lost:
                    text = " ".join(str(error).split())[:200]
                    log.warning("connection of the notifications lost; trying again", extra={"error": text})
            except BaseException:  # without this thread the process would send nothing any more
                log.exception("sending failed")
            else:
                if is_lost:
                    log.info("notifications reach the other processes again")
                self.sent += messages
                retry_s, is_lost = FIRST_RETRY_S, False
                continue
            is_lost = True
            self.dropped += messages
            if self._drop_at_the_end():
                break
            with self._changed:
                self._changed.wait_for(lambda: self._closing, retry_s)
            retry_s = min(retry_s * 2, MAX_RETRY_S)
        connection.close()

    def _next(self) -> list[_Waiting] | None:
        """Wait for messages and return them; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting) or self._closing)
            if not self._waiting:
                return None
            batch = [self._waiting.popitem(last=False)[1] for _ in range(min(len(self._waiting), MAX_BATCH))]
            limit = time.monotonic() - MAX_AGE_S
            fresh = [one for one in batch if one.since_s >= limit]
            self.dropped += len(batch) - len(fresh)
            return fresh

    def _drop_at_the_end(self) -> bool:
        """Drop the waiting messages if the sender is to end, and return whether it is."""
        with self._changed:
            if self._closing:
                self.dropped += len(self._waiting)
                self._waiting.clear()
            return self._closing

    def _fragments(self, one: _Waiting) -> list[str]:
        self._number += 1
        try:
            content = one.content() if callable(one.content) else one.content
            return to_fragments(self.name, self._number, content)
        except Exception:
            self.dropped += 1
            log.exception("message not sent")
            return []


class _Connection:
    """The sender's connection, opened again when it was lost. One thread only."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._connection: psycopg.Connection[Any] | None = None

    def send(self, fragments: Sequence[tuple[str, str]]) -> None:
        """Notify the channels of the fragments, in one transaction. If the connection was lost since its last use, try twice.

        Raises:
            psycopg.Error, OSError, ValueError: the database can't be reached.
        """
        values = [channel for channel, _ in fragments], [fragment for _, fragment in fragments]
        if self._connection is not None:
            try:
                self._connection.execute(NOTIFY, values)
                return
            except psycopg.Error:
                self.close()
        self._connection = connect(self._location, "sender")
        try:
            self._connection.execute(NOTIFY, values)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                connection.close()
