"""The tables of sources: the inputs they uploaded, the images they requested, their clients' options, and their sessions."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    IntegerField,
    Model,
    TextField,
)

from .database import database


class UploadRow(Model):
    """The source that uploaded an input: until a task uses the input, nothing else records its owner."""

    file_name = CharField(max_length=80)
    source = CharField(max_length=64)

    class Meta:
        database = database
        table_name = "input_upload"
        primary_key = CompositeKey("file_name", "source")


class UsageRow(Model):
    """The number of images that a source requested on the last day with a request; `day` counts from 1970, in UTC."""

    source = CharField(max_length=64, primary_key=True)
    day = IntegerField()
    images = IntegerField()

    class Meta:
        database = database
        table_name = "source_usage"


class ClientOptionRow(Model):
    """An option that a source's client has set on a compatible API for its later requests; `value` is JSON text."""

    source = CharField(max_length=64)
    surface = CharField(max_length=16)
    name = CharField(max_length=64)
    value = TextField()

    class Meta:
        database = database
        table_name = "client_option"
        primary_key = CompositeKey("source", "surface", "name")


class SessionRow(Model):
    """A browser that is signed in by a key: the SHA-256 of the id that only its cookie has, the key's name, and `binding`, the
    state of the key. Times are milliseconds since 1970.
    """

    digest = CharField(max_length=64, primary_key=True)
    key_name = CharField(max_length=64, index=True)
    binding = CharField(max_length=64)
    created_at = BigIntegerField()
    renewed_at = BigIntegerField()
    expires_at = BigIntegerField()
    is_secure = BooleanField()

    class Meta:
        database = database
        table_name = "browser_session"
