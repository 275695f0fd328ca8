"""Errors in OpenAI's shape. Imported at Fooocus's start, so its imports are light."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ....asgi.surfaces.error_shapes import ErrorReply

SHOULD_RETRY = "x-should-retry"
"""Header by which a server overrules the repetitions that OpenAI's clients send by themselves."""
INVALID, SERVER, STOPPED = "invalid_request_error", "server_error", "image_generation_user_error"
"""Types of errors."""
FIELD_CODES = {
    FieldErrorCode.REQUIRED: "missing_required_parameter",
    FieldErrorCode.UNKNOWN_FIELD: "unsupported_parameter",
    FieldErrorCode.UNSUPPORTED: "unsupported_value",
    FieldErrorCode.TOO_LONG: "string_above_max_length",
    FieldErrorCode.INVALID_JSON: "invalid_json",
}
"""Code of a field's error → OpenAI's; every other is `invalid_value`."""
CODES: dict[str, tuple[str, str]] = {
    ErrorCode.UNAUTHORIZED: (INVALID, "invalid_api_key"),
    ErrorCode.PATH_NOT_FOUND: (INVALID, "unknown_url"),
    ErrorCode.MODEL_FILE_NOT_FOUND: (INVALID, "model_not_found"),
    ErrorCode.TASK_STOPPED: (STOPPED, "stopped"),
    ErrorCode.RATE_LIMITED: ("requests", "rate_limit_exceeded"),
    ErrorCode.QUEUE_FULL: ("requests", "rate_limit_exceeded"),
    ErrorCode.QUOTA_EXCEEDED: ("requests", "rate_limit_exceeded"),
}
"""Code of a problem → OpenAI's type and code; every other keeps its code."""
NO_RETRY = frozenset({ErrorCode.INTERNAL_ERROR, ErrorCode.GENERATION_FAILED})
"""Codes of problems after which a repeated request could generate a second time."""
OF_A_DAY = "images_per_day"
"""The limit that no repetition within seconds can meet."""


def openai_reply(reply: ErrorReply, _: str) -> ErrorReply:
    """Return a problem document as OpenAI's error. Fulfils `ErrorShape`."""
    body: Mapping[str, Any] = reply.body if isinstance(reply.body, dict) else {}
    headers = dict(reply.headers)
    if not may_be_repeated(reply.status, body):
        headers[SHOULD_RETRY] = "false"
    return ErrorReply(status_of(reply.status, body), error_body(body), headers)


def status_of(status: int, problem: Mapping[str, Any]) -> int:
    """Return the status of an error: clients know 400 for wrong fields, and repeat a request after 409."""
    return 400 if status == 422 or problem.get("code") == ErrorCode.TASK_STOPPED else status


def error_body(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of an error, and the data of a stream's event `error`, for the members of a problem document."""
    message, param = str(problem.get("detail") or "error"), None
    kind, code = _kind_and_code(problem)
    if errors := problem.get("errors"):
        param = str(errors[0]["field"])
        code = FIELD_CODES.get(errors[0]["code"], "invalid_value")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def may_be_repeated(status: int, problem: Mapping[str, Any]) -> bool:
    """Return whether a client may send the request again by itself: nothing was accepted, and it can succeed soon."""
    if status == 409 or problem.get("task_id") is not None or problem.get("limit") == OF_A_DAY:
        return False
    return problem.get("code") not in NO_RETRY


def _kind_and_code(problem: Mapping[str, Any]) -> tuple[str, str | None]:
    code = problem.get("code")
    if problem.get("limit") == OF_A_DAY:
        return "insufficient_quota", "insufficient_quota"
    if code in CODES:
        return CODES[code]
    return (SERVER if int(problem.get("status") or 500) >= 500 else INVALID), code
