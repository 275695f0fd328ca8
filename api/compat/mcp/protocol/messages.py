"""JSON-RPC messages: what is read of a request, and the messages that are sent back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .....asgi.problem import shortened
from .errors import INVALID_PARAMS, INVALID_REQUEST, RequestId, RpcError

MAX_ID_LENGTH = 1000
"""Characters of a request's id or progress token as text."""
MAX_ID_BITS = 256
"""Bits of one that is a number."""


@dataclass(frozen=True)
class RpcMessage:
    """A request, or a notification, whose `request_id` is None."""

    method: str
    params: dict[str, Any]
    request_id: RequestId | None

    @property
    def meta(self) -> dict[str, Any]:
        """The metadata of the request, empty without any."""
        found = self.params.get("_meta")
        return found if isinstance(found, dict) else {}

    @property
    def progress_token(self) -> RequestId | None:
        """The token with which progress is reported, None if none is wanted."""
        token = self.meta.get("progressToken")
        return token if is_id(token) else None


def message_of(content: Any) -> RpcMessage:
    """Return a parsed body as a message.

    Raises:
        RpcError: it is none, or a batch.
    """
    if isinstance(content, list):
        raise _invalid("batches are not supported; send one message in each POST")
    if not isinstance(content, dict):
        raise _invalid("the body must be a JSON-RPC request: an object with jsonrpc, id and method")
    request_id = content.get("id")
    if "id" in content and not is_id(request_id):
        raise _invalid(
            f"id must be a text of at most {MAX_ID_LENGTH} characters or an integer; leave it out of a notification"
        )
    if content.get("jsonrpc") != "2.0":
        raise _invalid('jsonrpc must be "2.0"', request_id)
    method = content.get("method")
    if not isinstance(method, str):
        raise _invalid(
            "method must be a text; responses are not accepted, as this server sends no requests", request_id
        )
    params = content.get("params")
    if params is not None and not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "params must be an object", status=400, request_id=request_id)
    if not isinstance((params or {}).get("_meta", {}), dict):
        raise RpcError(INVALID_PARAMS, "params._meta must be an object", status=400, request_id=request_id)
    return RpcMessage(method, params or {}, request_id)


def is_id(value: Any) -> bool:
    """Return whether a value may be a request's id or a progress token. A number keeps its type: 1.0 comes back as 1.0."""
    if isinstance(value, str):
        return len(value) <= MAX_ID_LENGTH
    if isinstance(value, float):
        return value.is_integer() and abs(value) < 2**MAX_ID_BITS
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= MAX_ID_BITS


def result_body(request_id: RequestId, result: dict[str, Any]) -> dict[str, Any]:
    """Return a result as a JSON-RPC response."""
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def progress_body(token: RequestId, progress: float, total: int | None, message: str) -> dict[str, Any]:
    """Return the notification of a request's progress."""
    params: dict[str, Any] = {"progressToken": token, "progress": progress, "message": message}
    if total is not None:
        params["total"] = total
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


def quoted(value: str) -> str:
    """Return a client's text for use in a message."""
    return repr(shortened(value, 80))


def _invalid(message: str, request_id: RequestId | None = None) -> RpcError:
    return RpcError(INVALID_REQUEST, message, status=400, request_id=request_id)
