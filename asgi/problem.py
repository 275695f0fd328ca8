"""Errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

PROBLEM = "application/problem+json"


def problem_body(status: int, detail: str, **extra: Any) -> dict[str, Any]:
    """Return the members of a problem document."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **extra}


def problem_response(status: int, detail: str, headers: dict[str, str] | None = None, **extra: Any) -> Response:
    """Return a problem document as a response."""
    body = problem_body(status, detail, **extra)
    return JSONResponse(body, status, headers=headers, media_type=PROBLEM)


def shortened(text: str, length: int = 120) -> str:
    """Return the text, cut to `length` characters, for use in a response or a log."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
