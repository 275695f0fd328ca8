"""Secrets that the processes of a cluster share as rows of the database: the API keys, and the secret of links."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial

from ...auth.key_file import KeyFileUnavailable
from ...auth.key_row import ROW_NAME, KeyRow
from ...auth.keys import UnreadableKeys
from ...auth.signed_urls import SECRET_BYTES
from ...db.repository import Repository
from ...db.statements.changes.settings import value_of
from ...db.statements.changes.shared_settings import exchange_value, value_or
from ...db.writer import DatabaseUnavailable

LINK_SECRET = "link_secret"  # nosec B105  # the row's name


def key_row(repository: Callable[[], Repository], announce: Callable[[], None] = lambda: None) -> KeyRow:
    """Return the row of API keys.

    Args:
        repository: returns the repository; it raises `DatabaseUnavailable` as long as there is none.
        announce: is called after each change here, for a notice to other processes. It must not raise.
    """

    def read() -> str | None:
        try:
            return repository().read(partial(value_of, ROW_NAME))
        except DatabaseUnavailable as error:
            raise UnreadableKeys(f"the database's list of API keys can't be read: {error}") from error

    def exchange(expected: str | None, text: str) -> bool:
        try:
            return repository().write(partial(exchange_value, ROW_NAME, expected, text)).result()
        except DatabaseUnavailable as error:
            raise KeyFileUnavailable(f"the database's list of API keys can't be changed: {error}") from error

    return KeyRow(read, exchange, announce)


def link_secret(repository: Repository) -> bytes:
    """Return the secret of signed URLs, which the first process of a cluster has created. Blocking.

    Raises:
        DatabaseUnavailable: it can't be read.
    """
    made = secrets.token_hex(SECRET_BYTES)
    return bytes.fromhex(repository.write(partial(value_or, LINK_SECRET, made)).result())
