"""Delivers records of ended tasks to webhook receivers, with retries and a log of attempts.

A transactional outbox: the transaction that ends a task also enqueues its message. Delivery is at-least-once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...auth.rate_limit import RequestRate
from ...db.repository import Repository
from ...db.statements.outbox import Attempt, Message
from ...outbound.address_policy import without_userinfo
from ...outbound.client import OutboundClient
from ..duty import Duty
from ..model import rows
from ..model.task import BATCH, Task, now_ms
from .deliveries import Deliveries, Letter
from .sender import Sender

Render = Callable[[Task, str], bytes]
"""Renders a task's record as JSON; its URLs begin with the given address, which is empty unless the receiver is the client's."""

MAX_RESENDS_PER_MINUTE = 10
"""Limit per task."""


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

    def __init__(
        self, repository: Repository, settings: WebhookSettings, outbound: OutboundClient, duty: Duty | None = None
    ) -> None:
        """Store the parts. In a cluster only the process that has the `duty` delivers; without one, this process does."""
        self._repository = repository
        self._settings = settings
        sender = Sender(outbound, settings.url, settings.secret, settings.timeout_s)
        self._deliveries = Deliveries(
            repository, repository.outbox, self._letter, sender, settings.retry_s, duty or Duty()
        )
        self._render: Render
        self._resends = RequestRate(limit="resends_per_minute", words="a webhook can be resent {most} times a minute")

    def start(self, render: Render) -> None:
        """Start deliveries, including those that an earlier process has left. A second call does nothing."""
        self._render = render
        self._deliveries.start()

    def close(self) -> None:
        """Start no more deliveries, and wait for none: one whose attempt was not recorded is repeated after a restart."""
        self._deliveries.close()

    # ------------------------------------------- in the transactions of the task

    def enqueue(self, task: Task, base_url: str) -> None:
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
            self.enqueue(task, "")
            receiver = self._repository.outbox.post(task.task_id, now_ms())
        return receiver

    def wake(self, receiver: str) -> None:
        """Start deliveries to a receiver. Call it after the commit that made its message due."""
        self._deliveries.wake(receiver)

    def wake_all(self) -> None:
        """Start the deliveries that have come due, also by another process of a cluster. It reads the database.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        self._deliveries.wake_all()

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
            self._deliveries.wake(receiver, immediately=True)
        return receiver is not None

    def _has_default(self, task: Task) -> bool:
        """Return whether the launch flag's receiver gets the message of a task without a receiver of its own."""
        return bool(self._settings.url) and BATCH not in task.notes

    def _letter(self, message: Message) -> Letter | None:
        row = self._repository.read(lambda: self._repository.get(message.task_id))
        if row is None:
            return None
        task = rows.from_row(row)
        base_url = message.base_url if message.url else ""  # the owner's receiver gets no address that a client chose
        return Letter(lambda: self._render(task, base_url), {"task_id": message.task_id})


def receiver_of(url: str) -> str:
    """Return the receiver's name: host and port of its URL, empty for the launch flag's."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()[:300]


def _origin_of(url: str | None) -> str:
    """Return the launch flag's URL without its path, query and userinfo: clients see it, and these may be the owner's secrets."""
    return f"{urlsplit(url).scheme}://{receiver_of(url)}/…" if url else ""
