"""Delivers a message about each ended batch, as webhooks about tasks are delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...db.repository import Repository
from ...db.statements.batches import messages
from ...db.statements.outbox import Message
from ...outbound.client import OutboundClient
from ..duty import Duty
from ..webhooks.deliveries import Deliveries, Letter
from ..webhooks.delivery import WebhookSettings
from ..webhooks.sender import Sender
from .changes import BatchChanges
from .model import Batch
from .store import BatchStore

Render = Callable[[Batch], bytes]
"""Renders a batch's record as JSON."""


class BatchMessages:
    """The messages and their delivery."""

    def __init__(
        self,
        repository: Repository,
        store: BatchStore,
        changes: BatchChanges,
        settings: WebhookSettings,
        outbound: OutboundClient,
        duty: Duty,
    ) -> None:
        self._store = store
        self._changes = changes
        sender = Sender(outbound, settings.url, settings.secret, settings.timeout_s)
        self._deliveries = Deliveries(repository, messages, self._letter, sender, settings.retry_s, duty)
        self._render: Render

    def start(self, render: Render) -> None:
        """Start deliveries, including those that an earlier process has left. A second call does nothing."""
        self._render = render
        self._deliveries.start()

    def close(self) -> None:
        """Start no more deliveries, and wait for none."""
        self._deliveries.close()

    def wake(self) -> None:
        """Start the deliveries that have come due. It reads the database."""
        self._deliveries.wake_all()

    def _letter(self, message: Message) -> Letter | None:
        batch = self._store.get(message.task_id)
        if batch is None:
            return None

        def recorded() -> None:
            self._changes.show(batch.batch_id)

        # the owner's receiver gets no address that a client chose
        shown = batch if message.url else replace(batch, base_url="")
        return Letter(lambda: self._render(shown), {"batch_id": batch.batch_id}, recorded)
