"""Tokens: short-lived read access of a key, for browser pages. EventSource sends no header, and a page must not hold a key.

A token is `<payload>.<signature>`. The payload names the key, the access and its expiry; the server stores nothing. The signature
is an HMAC of the payload and the current state of the key, so that a token ends with its key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, MutableMapping
from dataclasses import astuple, dataclass
from typing import Any
from urllib.parse import unquote_plus

from .keys import Key, Scope

PARAMETER = "token"
MAX_LIFETIME_S = 3600
MAX_TOKEN_LENGTH = 1000
"""Maximum characters of a token: real ones have fewer than 300."""
DOMAIN = b"fooocus-api token"
"""Separates these signatures from those of signed URLs, which use the same secret."""
_TOKEN = re.compile(r"[\w-]+\.[\w-]+", re.ASCII)

FindKeys = Callable[[str], "list[Key]"]


class BadToken(Exception):
    """A token that is not accepted; the message gives the reason."""


@dataclass(frozen=True)
class Grant:
    """The access that a token grants: to read with that scope as that key, one task or all, until `expires`, in seconds since
    1970."""

    key: str
    scope: Scope
    task_id: str
    expires: int


class Tokens:
    """Signs and verifies tokens."""

    def __init__(self, secret: bytes, find: FindKeys) -> None:
        """Derive the signing secret. `find` returns the current keys of a name; its exceptions propagate."""
        self._secret = hmac.digest(secret, DOMAIN, "sha256")
        self._find = find

    def token(self, grant: Grant, key: Key | None) -> str:
        """Return the token for a grant of this key; the key is None if none is required."""
        payload = _text(json.dumps(astuple(grant), separators=(",", ":")).encode())
        return f"{payload}.{self._signature(payload, key)}"

    def grant(self, token: str) -> tuple[Grant, Key]:
        """Return what a token grants, and its key.

        Raises:
            BadToken: the token is invalid, revoked or expired.
        """
        if len(token) > MAX_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
            raise BadToken("token was not issued by this server; request one with POST /v1/tokens")
        payload, _, signature = token.partition(".")
        found = _grant(payload)
        keys = self._find(found.key) if found is not None else []
        signing = [key for key in keys if hmac.compare_digest(signature, self._signature(payload, key))]
        if found is None or not signing:
            raise BadToken("token is invalid, or its key was revoked or changed; request another with POST /v1/tokens")
        if found.expires <= time.time():
            raise BadToken("token has expired; request another with POST /v1/tokens")
        return found, signing[0]

    def _signature(self, payload: str, key: Key | None) -> str:
        is_now = [key.name, key.digest, *sorted(scope.value for scope in key.scopes)] if key is not None else []
        return _text(hmac.digest(self._secret, "\n".join([payload, *is_now]).encode(), hashlib.sha256))


def pop_token(scope: MutableMapping[str, Any]) -> str | None:
    """Remove the token from a request's query and return it, so that no route, log or message contains it; None if there is none.

    A token may be given more than once if every copy is spelt alike. Different ones give "", which is not a valid token.
    """
    query: bytes = scope.get("query_string", b"")
    if PARAMETER.encode() not in query and b"%" not in query:
        return None
    parts = query.split(b"&")
    values = {part: part.partition(b"=")[2] for part in parts if _name(part) == PARAMETER}
    if not values:
        return None
    scope["query_string"] = b"&".join(part for part in parts if part not in values)
    value = next(iter(values.values()))
    return unquote_plus(value.decode("latin-1")) if len(values) == 1 else ""


def _name(part: bytes) -> str:
    return unquote_plus(part.partition(b"=")[0].decode("latin-1"))


def _grant(payload: str) -> Grant | None:
    """Return the grant in a payload, None for one that `token` never makes. Verify its signature before you trust it."""
    try:
        key, scope, task_id, expires = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return Grant(str(key), Scope(scope), str(task_id), int(expires))
    except (ValueError, TypeError, RecursionError):
        return None


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


NO_TOKENS = Tokens(b"", lambda _: [])
"""For a context in which no token is valid."""
