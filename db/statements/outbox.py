"""Webhook outbox: one message per task, and its delivery attempts. Part of the repository."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import fn

from ..encoding import plain
from ..tables import AttemptRow, TaskRow, WebhookRow
from .prepared import PreparedStatement, param

WAITING, PENDING, DELIVERED, FAILED = "waiting", "pending", "delivered", "failed"

MAX_ATTEMPTS = 100
"""Attempts kept per message, the newest."""
_RECEIVER = PreparedStatement(
    lambda: (
        WebhookRow.select(WebhookRow.task, WebhookRow.receiver, WebhookRow.since)
        .join(TaskRow)
        .where(TaskRow.task_id == param("task_id"))
    )
)


@dataclass(frozen=True)
class Attempt:
    """One attempt: `at` in milliseconds since 1970, the answer's `status`, or the `error` that explains why there is none."""

    at: int
    duration_ms: int
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Message:
    """A row of the outbox, by its columns' names."""

    task_id: str
    url: str
    base_url: str
    state: str
    due_at: int
    since: int
    tries: int


class Outbox:
    """Transactional outbox, with one message for each task that has a webhook. Times are milliseconds since 1970, -1 for never.

    `add`, `post` and `note` are changes, to be run by `Repository.write`: `post` in the change that ends the task. The others
    read.
    """

    def add(self, task_id: str, url: str, receiver: str, base_url: str) -> None:
        """Add a task's message, to be sent when the task ends, and the beginning of the URLs in its body. A known one stays."""
        row_id = TaskRow.select(TaskRow.id).where(TaskRow.task_id == task_id).scalar()
        columns = {"url": url, "receiver": receiver, "base_url": base_url, "state": WAITING}
        WebhookRow.insert(task=row_id, due_at=-1, since=-1, tries=0, **columns).on_conflict_ignore().execute()

    def post(self, task_id: str, now: int) -> str | None:
        """Make a task's message due, for the first time or again. Return its receiver, or None if the task has no webhook."""
        found = self._of(task_id)
        if found is None:
            return None
        row_id, receiver, before = found
        since = max(now, before + 1)  # separates these attempts from earlier ones, also within one millisecond
        again = {"state": PENDING, "due_at": now, "since": since, "tries": 0}
        WebhookRow.update(again).where(WebhookRow.task == row_id).execute()
        return receiver

    def record_attempt(self, message: Message, attempt: Attempt, state: str, due_at: int) -> None:
        """Record an attempt to deliver `message`, and the state that follows. Does nothing if the task has been deleted.

        If the message was posted again since it was read, it stays due, regardless of the outcome of this attempt.
        """
        found = self._of(message.task_id)
        if found is None:
            return
        changed = {"state": state, "due_at": due_at, "tries": WebhookRow.tries + 1}
        WebhookRow.update(changed).where((WebhookRow.task == found[0]) & (WebhookRow.since == message.since)).execute()
        AttemptRow.insert(
            task=found[0],
            at=attempt.at,
            duration_ms=attempt.duration_ms,
            status=attempt.status,
            error=None if attempt.error is None else plain(attempt.error),
        ).execute()
        of_task = AttemptRow.select(AttemptRow.id).where(AttemptRow.task == found[0])
        oldest = of_task.order_by(AttemptRow.id.desc()).limit(1).offset(MAX_ATTEMPTS - 1).scalar()
        if oldest is not None:
            AttemptRow.delete().where((AttemptRow.task == found[0]) & (AttemptRow.id < oldest)).execute()

    def due(self) -> dict[str, int]:
        """Return each receiver with a pending message, and the time when its first message is due."""
        query = WebhookRow.select(WebhookRow.receiver, fn.MIN(WebhookRow.due_at)).where(WebhookRow.state == PENDING)
        return dict(query.group_by(WebhookRow.receiver).tuples())

    def due_for(self, receiver: str) -> int | None:
        """Return the time when this receiver's next message is due, or None."""
        pending = (WebhookRow.state == PENDING) & (WebhookRow.receiver == receiver)
        return WebhookRow.select(fn.MIN(WebhookRow.due_at)).where(pending).scalar()

    def next_for(self, receiver: str) -> Message | None:
        """Return the message to this receiver that is due first, or None."""
        pending = (WebhookRow.state == PENDING) & (WebhookRow.receiver == receiver)
        return self._message(pending)

    def of(self, task_id: str) -> tuple[Message, list[Attempt]] | None:
        """Return a task's message and its delivery attempts, or None if the task has no webhook."""
        message = self._message(TaskRow.task_id == task_id)
        if message is None:
            return None
        columns = (AttemptRow.at, AttemptRow.duration_ms, AttemptRow.status, AttemptRow.error)
        attempts = AttemptRow.select(*columns).join(TaskRow).where(TaskRow.task_id == task_id).order_by(AttemptRow.id)
        return message, [Attempt(*values) for values in attempts.tuples()]

    @staticmethod
    def _of(task_id: str) -> tuple[int, str, int] | None:
        found: tuple[int, str, int] | None = _RECEIVER.run(task_id=task_id).fetchone()
        return found

    @staticmethod
    def _message(condition: object) -> Message | None:
        row = WebhookRow
        columns = (TaskRow.task_id, row.url, row.base_url, row.state, row.due_at, row.since, row.tries)
        found = row.select(*columns).join(TaskRow).where(condition).order_by(row.due_at).tuples().first()
        return None if found is None else Message(*found)
