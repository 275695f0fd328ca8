"""The text of a token: its signature, and its removal from queries and access logs."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import pytest

from fooocus_api.adapters.startup.console_logging import redact_credentials
from fooocus_api.auth.keys import Key, Scope
from fooocus_api.auth.tokens import BadToken, Grant, Tokens, pop_token


def test_an_access_log_does_not_show_it() -> None:
    arguments = ("127.0.0.1:5", "GET", "/v1/events?a=b&token=se.cret&signature=hidden&c=d", "1.1", 200)
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d', arguments, None)
    assert redact_credentials(record)
    assert record.getMessage() == '127.0.0.1:5 - "GET /v1/events?a=b&token=…&signature=…&c=d HTTP/1.1" 200'


@pytest.mark.parametrize(
    ("query", "rest", "token"),
    [
        (b"", b"", None),
        (b"a=%20b&page=2", b"a=%20b&page=2", None),
        (b"token=x.y", b"", "x.y"),
        (b"a=%20b&token=x.y&c=", b"a=%20b&c=", "x.y"),
        (b"%74oken=x%2Ey", b"", "x.y"),
        (b"token=x&token=y", b"", ""),
        (b"token", b"", ""),
        (b"tokens=x", b"tokens=x", None),
    ],
)
def test_it_is_taken_out_of_the_query(query: bytes, rest: bytes, token: str | None) -> None:
    scope = {"query_string": query}
    assert (pop_token(scope), scope["query_string"]) == (token, rest)


def test_what_is_signed_is_what_counts() -> None:
    key = Key("a", "0" * 64, frozenset({Scope.READ}))
    tokens = Tokens(b"secret", lambda name: [key] if name == "a" else [])
    grant = Grant("a", Scope.READ, "", int(time.time()) + 60)
    assert tokens.grant(tokens.token(grant, key)) == (grant, key)
    for other in (Tokens(b"other", lambda _: [key]), Tokens(b"secret", lambda _: [replace(key, digest="1" * 64)])):
        with pytest.raises(BadToken):
            other.grant(tokens.token(grant, key))
