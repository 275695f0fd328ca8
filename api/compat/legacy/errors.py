"""The shape of errors that clients of Fooocus-API read: FastAPI's `{"detail": …}`. Imported at Fooocus's start."""

from __future__ import annotations

import re
from typing import Any

from ....asgi.surfaces.error_shapes import ErrorReply

UNAUTHORIZED, FORBIDDEN, INVALID = 401, 403, 422
_PART = re.compile(r"[^.\[\]]+")


def legacy_error(reply: ErrorReply, _: str) -> ErrorReply:
    """Return an error in Fooocus-API's shape: `detail` is a sentence, of invalid fields a list of FastAPI's entries.

    A missing or wrong key is a 403, as there.
    """
    headers = {name: value for name, value in reply.headers.items() if name.lower() != "www-authenticate"}
    status = FORBIDDEN if reply.status == UNAUTHORIZED else reply.status
    errors = reply.body.get("errors") if reply.status == INVALID else None
    detail: Any = [_entry(error) for error in errors] if errors else reply.body.get("detail", "")
    return ErrorReply(status, {"detail": detail}, headers)


def _entry(error: dict[str, Any]) -> dict[str, Any]:
    """Return an invalid field as FastAPI reports it, with the path of the field in parts."""
    parts = [int(part) if part.isdecimal() else part for part in _PART.findall(error["field"])]
    location = ["body", *(part for part in parts if part != "body")]
    message = error["message"]
    if allowed := error.get("allowed"):
        message += f"; allowed are {', '.join(map(str, allowed))}"
    return {"loc": location, "msg": message, "type": error["code"]}
