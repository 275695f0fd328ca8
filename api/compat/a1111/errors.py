"""The shape of AUTOMATIC1111's errors. Imported when Fooocus starts: its imports are light."""

from __future__ import annotations

from typing import Any

from ....asgi.error_codes import ErrorCode
from ....asgi.surfaces.error_shapes import ErrorReply

CHALLENGE = 'Basic realm="Fooocus API"'
"""Value of `WWW-Authenticate`: clients of this API can send a user and a password, the key."""
PLAIN = {ErrorCode.PATH_NOT_FOUND.value: "Not Found", ErrorCode.METHOD_NOT_ALLOWED.value: "Method Not Allowed"}
"""Code → the sentence by which clients recognise a path that a server does not have."""


def a1111_shape(reply: ErrorReply, path: str) -> ErrorReply:
    """Return a problem document in AUTOMATIC1111's shape, and with a challenge that its clients understand."""
    problem = reply.body if isinstance(reply.body, dict) else {}
    headers = dict(reply.headers)
    if reply.status == 401:
        headers = {name: value for name, value in headers.items() if name.lower() != "www-authenticate"}
        headers["WWW-Authenticate"] = CHALLENGE
    code = str(problem.get("code") or "")
    if code in PLAIN:
        return ErrorReply(reply.status, {"detail": PLAIN[code]}, headers)
    return ErrorReply(reply.status, error_body(code or "HTTPException", str(problem.get("detail") or "")), headers)


def error_body(error: str, detail: str) -> dict[str, Any]:
    """Return the body of an error: its kind and a sentence."""
    return {"error": error, "detail": detail, "body": "", "errors": ""}
