"""Finds the list of API keys that a command changes: the file, or the row of a cluster's database."""

from __future__ import annotations

from functools import partial

from ..auth.key_file import KeyFile, KeyFileUnavailable
from ..auth.key_row import ROW_NAME, KeyRow
from ..auth.keyring import KeySource
from ..auth.keys import FILE_NAME, UnreadableKeys
from ..db.connection import DatabaseProblem, shown, sqlite_file
from ..db.settings_access import SettingsAccess
from ..db.statements.changes.settings import value_of
from ..db.statements.changes.shared_settings import exchange_value
from ..tasks.storage.shared_secrets import LINK_SECRET
from .errors import CommandError
from .history_location import HistoryLocation


def key_store(location: HistoryLocation) -> tuple[KeySource, str]:
    """Return the list of keys of this Fooocus, and the words for its place.

    It is a row of the database once a cluster has used that, else the file in the outputs.

    Raises:
        CommandError: the database can't be used.
    """
    file = location.state / FILE_NAME
    if sqlite_file(location.database) is None:
        try:
            access = SettingsAccess(str(location.database))
            if _is_of_a_cluster(access):
                return _row(access), f"the row {ROW_NAME} of the table setting in {shown(location.database)}"
        except DatabaseProblem as error:
            raise CommandError(str(error)) from error
    return KeyFile(file), str(file)


def _is_of_a_cluster(access: SettingsAccess) -> bool:
    return access.has_settings() and access.run(lambda: value_of(ROW_NAME) or value_of(LINK_SECRET)) is not None


def _row(access: SettingsAccess) -> KeyRow:
    def read() -> str | None:
        try:
            return access.run(partial(value_of, ROW_NAME))
        except DatabaseProblem as error:
            raise UnreadableKeys(str(error)) from error

    def exchange(expected: str | None, text: str) -> bool:
        try:
            return access.run(partial(exchange_value, ROW_NAME, expected, text))
        except DatabaseProblem as error:
            raise KeyFileUnavailable(str(error)) from error

    return KeyRow(read, exchange)
