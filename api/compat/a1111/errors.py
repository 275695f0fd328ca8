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
    if reply.status == 401:
        for name in [name for name in reply.headers if name.lower() == "www-authenticate"]:
            del reply.headers[name]
        reply.headers["WWW-Authenticate"] = CHALLENGE
    code = str(problem.get("code") or "")
    if code in PLAIN:
        reply.body = {"detail": PLAIN[code]}
    else:
        reply.body = error_body(code or "HTTPException", str(problem.get("detail") or ""))
    return reply


def error_body(error: str, detail: str) -> dict[str, Any]:
    """Return the body of an error: its kind and a sentence."""
    return {"error": error, "detail": detail, "body": "", "errors": ""}
