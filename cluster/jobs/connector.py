"""Procrastinate on the connection of the current thread, without asyncio: its coroutines run to their end at once."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import peewee
import psycopg
from procrastinate.connector import BaseAsyncConnector, BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector
from typing_extensions import LiteralString

T = TypeVar("T")
Row = dict[str, Any]


class ThreadConnector(BaseAsyncConnector):
    """Runs Procrastinate's statements on the connection that peewee has for this thread, inside its open transaction.

    No asyncio of an engine works inside Fooocus, whose WebUI replaces `wait_for` of asyncio by one that waits for 18 hours.
    """

    def __init__(self, database: peewee.Database) -> None:
        self._database = database
        self._plain = SyncPsycopgConnector()  # without a pool: it gets the connection with each statement

    def get_sync_connector(self) -> BaseConnector:
        return self

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection of this thread."""
        connection: psycopg.Connection[Any] = self._database.connection()  # type: ignore[no-untyped-call]
        return connection

    def execute_query(self, query: LiteralString, **arguments: Any) -> None:
        self.execute_query_all(query, **arguments)

    def execute_query_one(self, query: LiteralString, **arguments: Any) -> Row:
        (row,) = self.execute_query_all(query, **arguments)
        return row

    def execute_query_all(self, query: LiteralString, **arguments: Any) -> list[Row]:
        try:
            return self._plain.execute_query_all_with_connection(self.connection, query, **arguments)
        except ConnectorException as error:
            cause = error.__cause__
            raise _peewee_class(cause)(cause, *(cause or error).args) from cause

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        self.execute_query_all(query, **arguments)

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> Row:
        return self.execute_query_one(query, **arguments)

    async def execute_query_all_async(self, query: LiteralString, **arguments: Any) -> list[Row]:
        return self.execute_query_all(query, **arguments)


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that waits for nothing.

    Raises:
        RuntimeError: it does wait for something.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("a coroutine of Procrastinate waits; its connector must answer at once")


def _peewee_class(cause: BaseException | None) -> type[peewee.PeeweeException]:
    """Return the class as which peewee would raise a driver's error: the writer distinguishes those of the connection from those
    of a change."""
    for kind in type(cause).__mro__:
        known = getattr(peewee, kind.__name__, None)
        if isinstance(known, type) and issubclass(known, peewee.PeeweeException):
            return known
    return peewee.InterfaceError
