"""JSON-RPC errors, and problem documents as such errors. Imported before Fooocus's own modules, so its imports are light."""

from __future__ import annotations

from typing import Any

from .....asgi.error_codes import ErrorCode, FieldErrorCode
from .....asgi.surfaces.error_shapes import ErrorReply

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022
RequestId = str | int | float
NOT_IN_DATA = frozenset({"type", "title", "status", "detail"})
"""Members of a problem document that the error has in another place, or needs not."""


class RpcError(Exception):
    """A JSON-RPC error. `status` is that of the HTTP response, `request_id` the id of the request if it could be read."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 200,
        data: dict[str, Any] | None = None,
        request_id: RequestId | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.data = data
        self.request_id = request_id


def error_body(error: RpcError, request_id: RequestId | None = None) -> dict[str, Any]:
    """Return an error as a JSON-RPC response. Its id is null if that of the request is unknown, as JSON-RPC requires."""
    members: dict[str, Any] = {"code": error.code, "message": str(error)}
    if error.data is not None:
        members["data"] = error.data
    return {"jsonrpc": "2.0", "id": error.request_id if request_id is None else request_id, "error": members}


def json_rpc_error(reply: ErrorReply, path: str) -> ErrorReply:
    """Return a problem document as a JSON-RPC error whose `data` has the problem's code and its further members."""
    problem = reply.body
    code, status = _code_and_status(problem, reply.status)
    data = {name: value for name, value in problem.items() if name not in NOT_IN_DATA}
    error = RpcError(code, str(problem.get("detail", "")), status=status, data=data)
    return ErrorReply(status, error_body(error), reply.headers)


def _code_and_status(problem: dict[str, Any], status: int) -> tuple[int, int]:
    """Return an error's JSON-RPC code and HTTP status. Codes of JSON-RPC fit few problems; the others have their HTTP status."""
    if problem.get("code") == ErrorCode.INVALID_FIELDS:
        kinds = {one.get("code") for one in problem.get("errors", ())}
        return (PARSE_ERROR if FieldErrorCode.INVALID_JSON in kinds else INVALID_REQUEST), 400
    if status in (400, 413, 415):
        return INVALID_REQUEST, status
    return (INTERNAL_ERROR if status == 500 else status), status
