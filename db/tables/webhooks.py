"""The tables of the webhook outbox and its delivery attempts."""

from __future__ import annotations

from peewee import (
    AutoField,
    BigIntegerField,
    CharField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from .database import database
from .tasks import TaskRow


class WebhookRow(Model):
    """A task's message in the webhook outbox. Its `state` is waiting (for the task's end), pending, delivered or failed.

    `url` is empty if the launch flag's applies; deliveries to one place share a `receiver`; the URLs in the body begin with
    `base_url`, if it is known. A pending message is due at `due_at`; its attempts began at `since`, and there were `tries` since
    then.
    """

    task = ForeignKeyField(TaskRow, primary_key=True, on_delete="CASCADE")
    url = TextField()
    receiver = CharField(max_length=300)
    base_url = TextField()
    state = CharField(max_length=16)
    due_at = BigIntegerField()
    since = BigIntegerField()
    tries = IntegerField()

    class Meta:
        database = database
        table_name = "webhook"
        indexes = ((("state", "receiver", "due_at"), False),)


class AttemptRow(Model):
    """One attempt to deliver a webhook: its time, its duration, and the answer's status or the reason why there was none."""

    id = AutoField()
    task = ForeignKeyField(TaskRow, on_delete="CASCADE")
    at = BigIntegerField()
    duration_ms = IntegerField()
    status = IntegerField(null=True)
    error = TextField(null=True)

    class Meta:
        database = database
        table_name = "webhook_attempt"
