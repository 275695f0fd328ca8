"""What receivers are to be told and have been told. A part of the repository; called by `tasks.webhooks`."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import fn

from .models import AttemptRow, TaskRow, WebhookRow
from .statement import Statement, slot

WAITING, PENDING, DELIVERED, FAILED = "waiting", "pending", "delivered", "failed"

MOST_ATTEMPTS = 100
"""Tries that are kept of one message, the newest."""
_RECEIVER = Statement(
    lambda: (
        WebhookRow.select(WebhookRow.task, WebhookRow.receiver, WebhookRow.since)
        .join(TaskRow)
        .where(TaskRow.task_id == slot("task_id"))
    )
)


@dataclass(frozen=True)
class Attempt:
    """One try: `at` in milliseconds since 1970, the answer's `status`, or `error` saying why there is none."""

    at: int
    duration_ms: int
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Message:
    """A row of the outbox, by the names of its columns."""

    task_id: str
    url: str
    base_url: str
    state: str
    due_at: int
    since: int
    tries: int


class Outbox:
    """One message for each task whose end somebody is to be told. Times are milliseconds since 1970, -1 for never.

    `add`, `post` and `note` are changes, to be run by `Repository.write`: `post` with the change that ends the task. The
    others read.
    """

    def add(self, task_id: str, url: str, receiver: str, base_url: str) -> None:
        """Note with a task whom to tell when it ends, and what the URLs begin with."""
        row_id = TaskRow.select(TaskRow.id).where(TaskRow.task_id == task_id).scalar()
        columns = {"url": url, "receiver": receiver, "base_url": base_url, "state": WAITING}
        WebhookRow.insert(task=row_id, due_at=-1, since=-1, tries=0, **columns).execute()

    def post(self, task_id: str, now: int) -> str | None:
        """Make a task's message due, for the first time or again. Its receiver; None when nobody is to be told."""
        found = self._of(task_id)
        if found is None:
            return None
        row_id, receiver, before = found
        since = max(now, before + 1)  # tells these tries from those before, also within one millisecond
        again = {"state": PENDING, "due_at": now, "since": since, "tries": 0}
        WebhookRow.update(again).where(WebhookRow.task == row_id).execute()
        return receiver

    def note(self, message: Message, attempt: Attempt, state: str, due_at: int) -> None:
        """What came of a try to deliver `message`, and how it goes on. Nothing when the task was deleted meanwhile.

        If it was posted again since it was read, it goes on as that says: it is due, whatever came of this try.
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
            error=attempt.error,
        ).execute()
        of_task = AttemptRow.select(AttemptRow.id).where(AttemptRow.task == found[0])
        oldest = of_task.order_by(AttemptRow.id.desc()).limit(1).offset(MOST_ATTEMPTS - 1).scalar()
        if oldest is not None:
            AttemptRow.delete().where((AttemptRow.task == found[0]) & (AttemptRow.id < oldest)).execute()

    def due(self) -> dict[str, int]:
        """Every receiver that something is pending for, and when the first of it is due."""
        query = WebhookRow.select(WebhookRow.receiver, fn.MIN(WebhookRow.due_at)).where(WebhookRow.state == PENDING)
        return dict(query.group_by(WebhookRow.receiver).tuples())

    def due_for(self, receiver: str) -> int | None:
        """When the next is due for this receiver."""
        pending = (WebhookRow.state == PENDING) & (WebhookRow.receiver == receiver)
        return WebhookRow.select(fn.MIN(WebhookRow.due_at)).where(pending).scalar()

    def next_for(self, receiver: str) -> Message | None:
        """The message to this receiver that is due first."""
        pending = (WebhookRow.state == PENDING) & (WebhookRow.receiver == receiver)
        return self._message(pending)

    def of(self, task_id: str) -> tuple[Message, list[Attempt]] | None:
        """A task's message and all tries to deliver it, or None when nobody is to be told."""
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
