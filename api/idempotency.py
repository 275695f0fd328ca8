"""`Idempotency-Key`: which request a request is. For the generate route."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ..tasks.intake import Idempotency
from .errors import FieldError, InvalidFields

LONGEST = 255


def idempotency_of(key: str | None, source: str, body: bytes) -> Idempotency | None:
    """What the header and the body say, None without the header. Keys of different sources are different keys.

    Raises:
        InvalidFields: the header is empty or too long.
    """
    if key is None:
        return None
    if not 0 < len(key.strip()) <= LONGEST:
        message = f"must have 1 to {LONGEST} characters"
        raise InvalidFields([FieldError(field="Idempotency-Key", message=message)])
    return Idempotency(_digest(f"{source}\n{key.strip()}".encode()), _digest(_canonical(body)))


def _canonical(body: bytes) -> bytes:
    """The same bytes for the same JSON, however it is written."""
    content: Any = json.loads(body)
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
