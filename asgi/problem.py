"""Errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from .error_codes import ErrorCode

PROBLEM = "application/problem+json"


def problem_body(code: ErrorCode, detail: str, **extra: Any) -> dict[str, Any]:
    """Return the members of a problem document, with the code's status."""
    title = HTTPStatus(code.status).phrase
    return {"type": "about:blank", "title": title, "status": code.status, "code": code, "detail": detail, **extra}


def problem_response(code: ErrorCode, detail: str, headers: dict[str, str] | None = None, **extra: Any) -> Response:
    """Return a problem document as a response, with the code's status."""
    return JSONResponse(problem_body(code, detail, **extra), code.status, headers=headers, media_type=PROBLEM)


def shortened(text: str, length: int = 120) -> str:
    """Return the text, cut to `length` characters, for use in a response or a log."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
