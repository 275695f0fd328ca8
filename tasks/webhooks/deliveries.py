"""Delivers the messages of an outbox, one at a time to each receiver, with retries for a day."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from ...db.repository import Repository
from ...db.statements.outbox import DELIVERED, FAILED, PENDING, Attempt, Message
from ..duty import Duty
from ..model.task import now_ms
from .dispatcher import PerReceiverDispatcher
from .sender import Sender

log = logging.getLogger("fooocus_api.webhooks")

BACKOFF_FACTOR = 3
JITTER = 0.25
MAX_PAUSE_S = 4 * 3600
DAY_MS = 24 * 3600 * 1000
"""Milliseconds after which a message is not retried any more."""
RETRY_DELAY_MS = 5_000
"""Milliseconds until the next try if the message can't be read or its attempt can't be recorded."""
GONE = 410


class Outbox(Protocol):
    """The messages, by receiver. Times are milliseconds since 1970. In a read or a transaction of the repository."""

    def due(self) -> dict[str, int]:
        """Return receiver → the time when its next message is due."""

    def due_for(self, receiver: str) -> int | None: ...

    def next_for(self, receiver: str) -> Message | None: ...

    def record_attempt(self, message: Message, attempt: Attempt, state: str, due_at: int) -> None: ...


@dataclass(frozen=True)
class Letter:
    """The content of a message: `render` makes the body, `ids` name its task or batch in the log, `recorded` is called when the
    attempt is in the database."""

    render: Callable[[], bytes]
    ids: dict[str, str]
    recorded: Callable[[], None] = field(default=lambda: None)


class Deliveries:
    """The delivery of one outbox.

    Args:
        letter: returns the content of a message, None if its task or batch was deleted.
        retry_s: seconds of the first pause between two attempts.
        duty: in a cluster only the process that has it delivers.
    """

    def __init__(
        self,
        repository: Repository,
        outbox: Outbox,
        letter: Callable[[Message], Letter | None],
        sender: Sender,
        retry_s: float,
        duty: Duty,
    ) -> None:
        self._repository = repository
        self._outbox = outbox
        self._letter = letter
        self._sender = sender
        self._retry_s = retry_s
        self._duty = duty
        self._dispatcher = PerReceiverDispatcher(self._deliver)
        self._started = self._closed = False

    def start(self) -> None:
        """Start deliveries, including those that an earlier process has left. A second call does nothing."""
        if not self._started:
            self._started = True
            self._dispatcher.start({})
            self._duty.call(self.wake_all)
            self.wake_all()

    def close(self) -> None:
        """Start no more deliveries, and wait for none: one whose attempt was not recorded is repeated after a restart."""
        self._closed = True
        self._dispatcher.close()

    def wake(self, receiver: str, *, immediately: bool = False) -> None:
        """Start deliveries to a receiver. Call it after the commit that made its message due.

        `immediately` overrides the pause that the receiver asked for.
        """
        if self._duty.is_mine():
            self._dispatcher.wake(receiver, now_ms(), immediately=immediately)

    def wake_all(self) -> None:
        """Start the deliveries that have come due, once `start` was called. It reads the database.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        if self._started and not self._closed and self._duty.is_mine():
            for receiver, due_at in self._repository.read(self._outbox.due).items():
                self._dispatcher.wake(receiver, due_at)

    def _deliver(self, receiver: str) -> None:
        """Deliver the first message that is due for a receiver. On a thread of the dispatcher."""
        if not self._duty.is_mine():
            return self._dispatcher.done(receiver, None)
        try:
            message = self._repository.read(lambda: self._outbox.next_for(receiver))
            if message is None or message.due_at > now_ms():
                return self._dispatcher.done(receiver, message.due_at if message else None)
            letter = self._letter(message)
            if letter is None:  # deleted in between
                return self._dispatcher.done(receiver, now_ms())
            attempt, retry_after_s = self._sender.attempt(message, letter.render, **letter.ids)
        except Exception:
            if not self._closed:
                log.exception("webhook not read from the history")
            return self._dispatcher.done(receiver, now_ms() + RETRY_DELAY_MS)
        state, due_at = next_step(message, attempt, retry_after_s, self._retry_s)
        # Its other messages wait for as long as the receiver asked for, and not for this message's own pause of up to hours.
        asked = attempt.at + attempt.duration_ms + round(retry_after_s * 1000) if retry_after_s else None
        what = {"state": state, "attempt": message.tries + 1, "status": attempt.status, "reason": attempt.error}
        log.info("webhook attempted", extra={**letter.ids, **what})

        def record() -> int | None:
            self._outbox.record_attempt(message, attempt, state, due_at)
            return self._outbox.due_for(receiver)

        def recorded(done: Future[int | None]) -> None:
            if (error := done.exception()) is not None:
                log.error("webhook attempt not recorded", extra={**letter.ids, "reason": str(error)})
            then = now_ms() + RETRY_DELAY_MS if error else done.result()
            self._dispatcher.done(receiver, then, not_before=asked if state == PENDING else None)
            letter.recorded()

        # Record the attempt before the next delivery to this receiver: otherwise a full disk would cause endless retries.
        self._repository.write(record, retry=True).add_done_callback(recorded)
        return None


def next_step(message: Message, attempt: Attempt, retry_after_s: float, retry_s: float) -> tuple[str, int]:
    """Return a message's state after an attempt, and the time of the next one in milliseconds since 1970, -1 for none.

    Args:
        retry_after_s: seconds of the receiver's `Retry-After`.
        retry_s: seconds of the first pause. The backoff is exponential, up to hours.
    """
    if attempt.status is not None and 200 <= attempt.status < 300:
        return DELIVERED, -1
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # nosec B311  # spreads tries, keeps no secret
    pause = min(retry_s * BACKOFF_FACTOR ** min(message.tries, 20), MAX_PAUSE_S) * jitter
    due_at = attempt.at + attempt.duration_ms + round(max(pause, retry_after_s) * 1000)
    if attempt.status == GONE or due_at > message.since + DAY_MS:
        return FAILED, -1
    return PENDING, due_at
