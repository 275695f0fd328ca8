"""Delivers a message about each ended batch, as webhooks about tasks are delivered: signed, with retries for a day."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future

from ...db.repository import Repository
from ...db.statements.batches import messages
from ...db.statements.outbox import PENDING
from ...outbound.client import OutboundClient
from ..model.task import now_ms
from ..webhooks.delivery import RETRY_DELAY_MS, WebhookSettings, next_step
from ..webhooks.dispatcher import PerReceiverDispatcher
from ..webhooks.sender import Sender
from .changes import BatchChanges
from .model import Batch
from .store import BatchStore

log = logging.getLogger("fooocus_api.webhooks")

Render = Callable[[Batch], bytes]
"""Renders a batch's record as JSON."""


class BatchMessages:
    """The messages and their delivery, one at a time to each receiver."""

    def __init__(
        self,
        repository: Repository,
        store: BatchStore,
        changes: BatchChanges,
        settings: WebhookSettings,
        outbound: OutboundClient,
    ) -> None:
        self._repository = repository
        self._store = store
        self._changes = changes
        self._settings = settings
        self._sender = Sender(outbound, settings.url, settings.secret, settings.timeout_s)
        self._dispatcher = PerReceiverDispatcher(self._deliver)
        self._render: Render
        self._started = self._closed = False

    def start(self, render: Render) -> None:
        """Start deliveries, including those that an earlier process has left. A second call does nothing."""
        if self._started:
            return
        self._render = render
        self._dispatcher.start({})
        self._started = True
        self.wake()  # if the database does not answer now, the next call is the next try

    def close(self) -> None:
        """Start no more deliveries, and wait for none."""
        self._closed = True
        self._dispatcher.close()

    def wake(self) -> None:
        """Start the deliveries that have come due. It reads the database."""
        if self._started and not self._closed:
            for receiver, due_at in self._repository.read(messages.due).items():
                self._dispatcher.wake(receiver, due_at)

    def _deliver(self, receiver: str) -> None:
        """Deliver the first message that is due for a receiver. On a thread of the dispatcher."""
        try:
            message = self._repository.read(lambda: messages.next_for(receiver))
            if message is None or message.due_at > now_ms():
                return self._dispatcher.done(receiver, message.due_at if message else None)
            batch = self._store.get(message.task_id)
            if batch is None:  # deleted in between
                return self._dispatcher.done(receiver, now_ms())
            attempt, retry_after_s = self._sender.attempt(message, lambda: self._render(batch), batch_id=batch.batch_id)
        except Exception:
            if not self._closed:
                log.exception("message of a batch not read from the history")
            return self._dispatcher.done(receiver, now_ms() + RETRY_DELAY_MS)
        state, due_at = next_step(message, attempt, retry_after_s, self._settings.retry_s)
        what = {"state": state, "attempt": message.tries + 1, "status": attempt.status, "reason": attempt.error}
        log.info("webhook attempted", extra={"batch_id": batch.batch_id, **what})

        def record() -> int | None:
            messages.record_attempt(message, attempt, state, due_at)
            return messages.due_for(receiver)

        def recorded(done: Future[int | None]) -> None:
            then = now_ms() + RETRY_DELAY_MS if done.exception() else done.result()
            not_before = due_at if retry_after_s and state == PENDING else None
            self._dispatcher.done(receiver, then, not_before=not_before)
            self._changes.show(batch.batch_id)

        self._repository.write(record, retry=True).add_done_callback(recorded)
        return None
