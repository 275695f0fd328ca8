"""Delivers records of ended tasks to webhook receivers, with retries and a log of attempts.

A transactional outbox: the transaction that ends a task also enqueues its message. Delivery is at-least-once.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...auth.rate_limit import RequestRate
from ...db.repository import Repository
from ...db.statements import outbox
from ...db.statements.outbox import Attempt, Message
from ...outbound.address_policy import without_userinfo
from ...outbound.client import OutboundClient
from ..model import rows
from ..model.task import BATCH, Task, now_ms
from .dispatcher import PerReceiverDispatcher
from .sender import Sender

log = logging.getLogger("fooocus_api.webhooks")

Render = Callable[[Task, str], bytes]
"""Renders a task's record as JSON; its URLs begin with the given address, which is empty if no client has sent one."""

BACKOFF_FACTOR = 3
JITTER = 0.25
MAX_PAUSE_S = 4 * 3600
DAY_MS = 24 * 3600 * 1000
"""Milliseconds after which a message is not retried any more."""
MAX_RESENDS_PER_MINUTE = 10
"""Limit per task."""
RETRY_DELAY_MS = 5_000
"""Milliseconds until the next try if the message can't be read or its attempt can't be recorded."""
GONE = 410


@dataclass(frozen=True)
class WebhookSettings:
    """Settings of the launch flags. `url` is the receiver of tasks without their own, `secret` the signing key, `retry_s`
    the first pause between two attempts in seconds, `timeout_s` the limit of one attempt in seconds."""

    url: str | None = None
    secret: bytes | None = None
    retry_s: float = 5
    timeout_s: float = 15


@dataclass(frozen=True)
class WebhookState:
    """State of a task's webhook: its receiver, its delivery state, the time of the next attempt in milliseconds since 1970
    (-1 for none), and all attempts so far."""

    url: str = ""
    state: str = "none"
    due_at: int = -1
    attempts: tuple[Attempt, ...] = ()


class Webhooks:
    """The outbox and its delivery."""

    def __init__(self, repository: Repository, settings: WebhookSettings, outbound: OutboundClient) -> None:
        self._repository = repository
        self._settings = settings
        self._sender = Sender(outbound, settings.url, settings.secret, settings.timeout_s)
        self._render: Render
        self._dispatcher = PerReceiverDispatcher(self._deliver)
        self._resends = RequestRate(limit="resends_per_minute", words="a webhook can be resent {most} times a minute")
        self._started = self._closed = False

    def start(self, render: Render) -> None:
        """Start deliveries, including those that an earlier process has left. A second call does nothing."""
        if self._started:
            return
        self._started = True
        self._render = render
        self._dispatcher.start(self._repository.read(self._repository.outbox.due))

    def close(self) -> None:
        """Start no more deliveries, and wait for none: one whose attempt was not recorded is repeated after a restart."""
        self._closed = True
        self._dispatcher.close()

    # ------------------------------------------- in the transactions of the task

    def accept(self, task: Task, base_url: str) -> None:
        """Add a new task's message to the outbox, with the base URL that its client uses. On the writer's thread.

        A batch's task has none: its batch has one message, at its end.
        """
        if task.webhook_url or self._has_default(task):
            self._repository.outbox.add(task.task_id, task.webhook_url, receiver_of(task.webhook_url), base_url)

    def ended(self, task: Task) -> str | None:
        """Make a task's message due, in the transaction that ends the task, and return its receiver, for `wake`. None without
        a webhook. On the writer's thread."""
        receiver = self._repository.outbox.post(task.task_id, now_ms())
        if receiver is None and self._has_default(task):  # a task of the WebUI, or one older than the flag
            self.accept(task, "")
            receiver = self._repository.outbox.post(task.task_id, now_ms())
        return receiver

    def wake(self, receiver: str) -> None:
        """Start deliveries to a receiver. Call it after the commit that made its message due."""
        self._dispatcher.wake(receiver, now_ms())

    # ------------------------------------------------------------ for clients

    async def state(self, task: Task) -> WebhookState:
        """Return the state of a task's webhook."""
        found = await asyncio.wrap_future(
            self._repository.submit_read(lambda: self._repository.outbox.of(task.task_id))
        )
        if found is None:
            return WebhookState()
        message, attempts = found
        return WebhookState(
            without_userinfo(message.url) or _origin_of(self._settings.url),
            message.state,
            message.due_at,
            tuple(attempts),
        )

    async def resend(self, task: Task) -> bool:
        """Deliver the record of an ended task again, now and with retries for a day. Return False if it has no receiver.

        Raises:
            LimitReached: the task was resent too often within the last minute.
        """
        self._resends.take(task.task_id, MAX_RESENDS_PER_MINUTE)
        receiver = await asyncio.wrap_future(self._repository.write(lambda: self.ended(task)))
        if receiver is not None:
            self._dispatcher.wake(receiver, now_ms(), immediately=True)
        return receiver is not None

    # --------------------------------------------------------------- delivery

    def _has_default(self, task: Task) -> bool:
        """Return whether the launch flag's receiver gets the message of a task without a receiver of its own."""
        return bool(self._settings.url) and BATCH not in task.notes

    def _deliver(self, receiver: str) -> None:
        """Deliver the first message that is due for a receiver. On a thread of the dispatcher."""
        try:
            message = self._repository.read(lambda: self._repository.outbox.next_for(receiver))
            if message is None or message.due_at > now_ms():
                return self._dispatcher.done(receiver, message.due_at if message else None)
            row = self._repository.read(lambda: self._repository.get(message.task_id))
            if row is None:  # deleted in between
                return self._dispatcher.done(receiver, now_ms())
            attempt, retry_after_s = self._attempt(message, rows.from_row(row))
        except Exception:
            if not self._closed:
                log.exception("webhook not read from the history")
            return self._dispatcher.done(receiver, now_ms() + RETRY_DELAY_MS)
        state, due_at = next_step(message, attempt, retry_after_s, self._settings.retry_s)
        what = {"state": state, "attempt": message.tries + 1, "status": attempt.status, "reason": attempt.error}
        log.info("webhook attempted", extra={"task_id": message.task_id, **what})

        def record() -> int | None:
            self._repository.outbox.record_attempt(message, attempt, state, due_at)
            return self._repository.outbox.due_for(receiver)

        def recorded(done: Future[int | None]) -> None:
            then = now_ms() + RETRY_DELAY_MS if done.exception() else done.result()
            self._dispatcher.done(
                receiver, then, not_before=due_at if retry_after_s and state == outbox.PENDING else None
            )

        # Record the attempt before the next delivery to this receiver: otherwise a full disk would cause endless retries.
        self._repository.write(record, retry=True).add_done_callback(recorded)
        return None

    def _attempt(self, message: Message, task: Task) -> tuple[Attempt, float]:
        """Make one attempt, and return it with the seconds of the receiver's `Retry-After`, 0 without one."""
        return self._sender.attempt(message, lambda: self._render(task, message.base_url), task_id=task.task_id)


def next_step(message: Message, attempt: Attempt, retry_after_s: float, retry_s: float) -> tuple[str, int]:
    """Return a message's state after an attempt, and the time of the next one in milliseconds since 1970, -1 for none.

    Args:
        retry_after_s: seconds of the receiver's `Retry-After`.
        retry_s: seconds of the first pause. The backoff is exponential, up to hours.
    """
    if attempt.status is not None and 200 <= attempt.status < 300:
        return outbox.DELIVERED, -1
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # nosec B311  # spreads tries, keeps no secret
    pause = min(retry_s * BACKOFF_FACTOR ** min(message.tries, 20), MAX_PAUSE_S) * jitter
    due_at = attempt.at + attempt.duration_ms + round(max(pause, retry_after_s) * 1000)
    if attempt.status == GONE or due_at > message.since + DAY_MS:
        return outbox.FAILED, -1
    return outbox.PENDING, due_at


def receiver_of(url: str) -> str:
    """Return the receiver's name: host and port of its URL, empty for the launch flag's."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()[:300]


def _origin_of(url: str | None) -> str:
    """Return the launch flag's URL without its path, query and userinfo: clients see it, and these may be the owner's secrets."""
    return f"{urlsplit(url).scheme}://{receiver_of(url)}/…" if url else ""
