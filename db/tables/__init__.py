"""Peewee models of the tables. Used inside `db` only."""

from __future__ import annotations

from .batches import BatchItemRow, BatchRow
from .cluster import NodeRow, TurnRow
from .database import SchemaVersion, database, shard
from .repeats import ModelHashRow, RepeatRow
from .search import SearchChunkRow, SearchSetRow
from .settings import SettingRow
from .sources import ClientOptionRow, SessionRow, UploadRow, UsageRow
from .tasks import (
    ImageRow,
    InputRow,
    ParametersRow,
    TagRow,
    TallyRow,
    TaskRow,
)
from .webhooks import AttemptRow, WebhookRow

TABLES = (
    *(TaskRow, ParametersRow, ImageRow, InputRow, TagRow, TallyRow),
    *(WebhookRow, AttemptRow, UploadRow, UsageRow, SearchChunkRow, SearchSetRow),
    *(RepeatRow, ModelHashRow, BatchRow, BatchItemRow, ClientOptionRow, SessionRow, SettingRow, SchemaVersion),
    *(NodeRow, TurnRow),
)

__all__ = [
    "TABLES",
    "AttemptRow",
    "BatchItemRow",
    "BatchRow",
    "ClientOptionRow",
    "ImageRow",
    "InputRow",
    "ModelHashRow",
    "NodeRow",
    "ParametersRow",
    "RepeatRow",
    "SchemaVersion",
    "SearchChunkRow",
    "SearchSetRow",
    "SessionRow",
    "SettingRow",
    "TagRow",
    "TallyRow",
    "TaskRow",
    "TurnRow",
    "UploadRow",
    "UsageRow",
    "WebhookRow",
    "database",
    "shard",
]
