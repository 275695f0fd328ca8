"""The `Idempotency-Key` header of the generate route."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ....asgi.error_codes import FieldErrorCode
from ....tasks.queue.submission import Idempotency
from ...responses.problems import invalid_field

MAX_KEY_LENGTH = 255


def idempotency_of(key: str | None, source: str, content: Any) -> Idempotency | None:
    """Return the digests of the key and the parsed body, None without the header. A key has another digest for each source.

    Raises:
        InvalidFields: the header is empty or too long.
    """
    if key is None:
        return None
    _check(key)
    return Idempotency(_digest(f"{source}\n{key.strip()}".encode()), _digest(_canonical(content)))


def key_of_part(key: str | None, part: str) -> str | None:
    """Return the key of one of the tasks of a request that has several, None without the header. It is never too long, so that
    a further task is not refused after the first one.

    Raises:
        InvalidFields: the header is empty or too long.
    """
    if key is None or not part:
        return key
    _check(key)
    return f"{_digest(key.strip().encode())}{part}"


def _check(key: str) -> None:
    if not 0 < len(key.strip()) <= MAX_KEY_LENGTH:
        code = FieldErrorCode.TOO_LONG if key.strip() else FieldErrorCode.REQUIRED
        raise invalid_field("Idempotency-Key", code, f"must have 1 to {MAX_KEY_LENGTH} characters")


def _canonical(content: Any) -> bytes:
    """Return the content as JSON in canonical form, so that equal content gives equal bytes."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
