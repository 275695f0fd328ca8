"""The table of settings that a restart keeps."""

from __future__ import annotations

from peewee import CharField, Model, TextField

from .database import database


class SettingRow(Model):
    """A setting that was changed while Fooocus ran."""

    name = CharField(max_length=64, primary_key=True)
    value = TextField()

    class Meta:
        database = database
        table_name = "setting"
