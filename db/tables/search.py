"""The tables of the index of words."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    BlobField,
    BooleanField,
    CompositeKey,
    IntegerField,
    Model,
)

from .database import database


class SearchChunkRow(Model):
    """A chunk of row ids in the index of words. Until it `is_ready`, its sets are not complete and a search reads its tasks.

    Its tasks were queued from `first_queued_at` to `last_queued_at`, in the order of their ids if it `is_ordered`. If it is not
    `is_indexed`, its prompts are too long for sets.
    """

    chunk = IntegerField(primary_key=True)
    first_queued_at = BigIntegerField()
    last_queued_at = BigIntegerField()
    is_ordered = BooleanField()
    is_indexed = BooleanField()
    is_ready = BooleanField()

    class Meta:
        database = database
        table_name = "search_chunk"


class SearchSetRow(Model):
    """The set of a chunk's tasks whose prompts contain a part of a word; that of the empty part has the tasks that exist."""

    chunk = IntegerField()
    part = BlobField()
    rows = BlobField()

    class Meta:
        database = database
        table_name = "search_set"
        primary_key = CompositeKey("chunk", "part")
