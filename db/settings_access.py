"""Access to the settings of a server's database without its lock, for commands: running processes may have it open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from peewee import ImproperlyConfigured, PeeweeException
from playhouse import db_url

from .connection import CONNECT_S, DatabaseProblem, shown, without_password
from .tables import SettingRow

T = TypeVar("T")


class SettingsAccess:
    """The settings of a PostgreSQL database. One thread."""

    def __init__(self, url: str) -> None:
        """Store the URL. Nothing is opened.

        Raises:
            DatabaseProblem: the URL is wrong, or its driver is missing.
        """
        self._url = url
        patience = {} if "connect_timeout" in url else {"connect_timeout": CONNECT_S}
        try:
            self._database = db_url.connect(url, unquote_password=True, unquote_user=True, **patience)
        except (PeeweeException, ImproperlyConfigured, RuntimeError, ValueError) as error:
            raise self._problem(error) from error

    def run(self, action: Callable[[], T]) -> T:
        """Run statements about settings in a transaction, and return their result.

        Raises:
            DatabaseProblem: the database can't be used.
        """
        try:
            with SettingRow.bind_ctx(self._database), self._database.connection_context(), self._database.atomic():
                return action()
        except (PeeweeException, ImproperlyConfigured) as error:
            raise self._problem(error) from error

    def has_settings(self) -> bool:
        """Return whether the database has the table of settings, that is, whether a Fooocus has ever used it.

        Raises:
            DatabaseProblem: the database can't be used.
        """
        return self.run(SettingRow.table_exists)

    def _problem(self, error: Exception) -> DatabaseProblem:
        text = without_password(" ".join(str(error).split()) or type(error).__name__, self._url)
        return DatabaseProblem(f"the database {shown(self._url)} can't be used: {text}")
