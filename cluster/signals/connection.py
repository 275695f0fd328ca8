"""Connections to the cluster's PostgreSQL for signals alone: plain psycopg, no transaction open, and never in a pool."""

from __future__ import annotations

from typing import Any

import psycopg
from playhouse import db_url
from psycopg.conninfo import make_conninfo

CONNECT_TIMEOUT_S = 10
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
"""Settings by which this side notices within half a minute that the server's machine is gone."""
DATABASE = "dbname"


def connection_text(location: str) -> str:
    """Return the text with which libpq connects to a location. Parameters that libpq does not know are left out.

    Args:
        location: a URL as peewee takes it (`postgresql://user:password@host/name`).
    """
    given = db_url.parse(location, unquote_password=True, unquote_user=True)
    values: dict[str, Any] = {DATABASE if name == "database" else name: value for name, value in given.items()}
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    settings = {"connect_timeout": CONNECT_TIMEOUT_S, **KEEPALIVE, **values}
    return make_conninfo(
        **{name: value for name, value in settings.items() if name in known and value not in (None, "")}
    )


def connect(location: str, purpose: str) -> psycopg.Connection[Any]:
    """Open a connection that commits each statement; `purpose` is its name in the server's list of connections.

    Raises:
        psycopg.Error: the server refuses it or does not answer.
    """
    return psycopg.connect(connection_text(location), autocommit=True, application_name=f"fooocus-api {purpose}")
