"""Errors as `application/problem+json` (RFC 9457). Creates every error response of the API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from http import HTTPStatus
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Scope

from ...asgi.error_codes import ErrorCode, FieldErrorCode
from ...asgi.problem import PROBLEM, problem_response, shortened
from ...asgi.types import path_of
from ...auth.keys import UnreadableKeys
from ...images.storage.input_store import StorageUnavailable
from ...tasks.batches.creation import BatchTooLarge
from ...tasks.batches.store import UnknownBatch, WrongBatchState
from ...tasks.ports.engine import EngineUnavailable, ParameterError, ShuttingDown, ToolsBusy
from ...tasks.queue.submission import IdempotencyConflict
from ...tasks.service import DatabaseUnavailable, LimitReached, UnknownTask, WrongStatus
from ..path_prefixes import nearest_path
from .pydantic_errors import allowed_of, code_of, message_of

log = logging.getLogger("fooocus_api.api")

MAX_ERRORS = 50
"""Errors in one response, as a list may have a thousand wrong entries."""


class FieldError(BaseModel):
    """One invalid field of a request."""

    field: str = Field(description="Path of the field, as in `loras[0].weight`.")
    code: FieldErrorCode = Field(description="The kind of the error; stable, unlike the sentence.")
    message: str = Field(description="The problem and the remedy, in words that may change.")
    allowed: list[Any] | None = Field(
        default=None, description="The nearest allowed values, if the field has a list of them."
    )


class ProblemDetails(BaseModel):
    """The body of every error response."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", description="Always `about:blank`; `code` names the kind.")
    title: str = Field(description="The HTTP status in words.")
    status: int = Field(description="The HTTP status.")
    code: ErrorCode = Field(description="The kind of the problem; stable, unlike the sentences.")
    detail: str = Field(description="The problem and its remedy, in words that may change.")
    errors: list[FieldError] | None = Field(default=None, description="The invalid fields, only with status 422.")


class Problem(Exception):
    """An error with its code, which determines the HTTP status. `extra` adds members to the body."""

    def __init__(self, code: ErrorCode, detail: str, *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.status = code.status
        self.detail = detail
        self.headers = headers
        self.extra = extra

    def response(self) -> Response:
        """Return the problem document."""
        return problem_response(self.code, self.detail, self.headers, **self.extra)


class InvalidFields(Problem):
    """A 422 with the invalid fields, at most MAX_ERRORS of them, and what is allowed for each."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = list(islice(errors, MAX_ERRORS))
        detail = "; ".join(f"{error.field}: {error.message}" for error in self.errors)
        entries = [error.model_dump(exclude_none=True) for error in self.errors]
        super().__init__(ErrorCode.INVALID_FIELDS, detail, errors=entries)


def invalid_field(field: str, code: FieldErrorCode, message: str, allowed: list[Any] | None = None) -> InvalidFields:
    """Return the 422 for one invalid field."""
    return InvalidFields([FieldError(field=field, code=code, message=message, allowed=allowed)])


def limit_problem(error: LimitReached) -> Problem:
    """Return the 429 for a reached limit: its name, the number it allows, and `Retry-After`."""
    headers = {"Retry-After": str(error.retry_after)}
    code = LIMITS.get(error.limit, ErrorCode.QUOTA_EXCEEDED)
    return Problem(code, str(error), headers=headers, limit=error.limit, allowed=error.most)


def keys_problem(error: Exception) -> Problem:
    """Return the 503 for a list of API keys that can't be used. One that can't be read now is looked at again soon."""
    wait = "5" if isinstance(error, UnreadableKeys) else "60"
    message = "list of API keys can't be used; Fooocus's console has the reason"
    return Problem(ErrorCode.KEYS_UNAVAILABLE, message, headers={"Retry-After": wait})


LIMITS = {
    "requests_per_minute": ErrorCode.RATE_LIMITED,
    "resends_per_minute": ErrorCode.RATE_LIMITED,
    "wrong_keys_per_minute": ErrorCode.RATE_LIMITED,
    "max_pending": ErrorCode.QUEUE_FULL,
}
"""Name of a limit → its code, where it is not a quota of the key."""


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can end with these errors."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
            "headers": ERROR_HEADERS.get(status, {}),
        }
        for status in statuses
    }


def header(description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    """Return the OpenAPI object of one response header, a string unless `schema` overrides the type."""
    return {"description": description, "required": required, "schema": {"type": "string", **schema}}


ERROR_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": header("The authentication scheme.", required=True)},
    416: {"Content-Range": header("`bytes */` and the size of the image in bytes.", required=True)},
    429: {"Retry-After": header("Seconds to wait before the next attempt.", required=True, type="integer", minimum=0)},
    503: {"Retry-After": header("Seconds to wait before the next attempt, if known.", type="integer", minimum=0)},
}
"""Status → the OpenAPI objects of its headers."""


HTTP_CODES = {
    400: ErrorCode.MALFORMED_REQUEST,
    404: ErrorCode.PATH_NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.PAYLOAD_TOO_LARGE,
}
"""Status of Starlette's and FastAPI's own errors → code. Any other means that a file of the docs can't be read."""


def add_handlers(app: FastAPI) -> None:
    """Register the exception handlers that turn every error of this app into a problem document."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return InvalidFields(field_error(item) for item in error.errors()).response()

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 404 and request.scope.get("route") is None:
            return await asyncio.to_thread(_no_such_path, app, path_of(request.scope))
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_methods(app, request.scope)) or "GET, HEAD"  # the methods of the docs' files
        return problem_response(HTTP_CODES.get(error.status_code, ErrorCode.INTERNAL_ERROR), str(error.detail), headers)

    @app.exception_handler(UnknownTask)
    async def unknown_task(_: Request, error: UnknownTask) -> Response:
        return problem_response(ErrorCode.TASK_NOT_FOUND, f"task {error} does not exist")

    @app.exception_handler(WrongStatus)
    async def wrong_status(_: Request, error: WrongStatus) -> Response:
        return problem_response(ErrorCode.WRONG_TASK_STATUS, str(error))

    @app.exception_handler(UnknownBatch)
    async def unknown_batch(_: Request, error: UnknownBatch) -> Response:
        return problem_response(ErrorCode.BATCH_NOT_FOUND, f"batch {shortened(str(error))} does not exist")

    @app.exception_handler(BatchTooLarge)
    async def large_batch(_: Request, error: BatchTooLarge) -> Response:
        return problem_response(ErrorCode.PAYLOAD_TOO_LARGE, str(error))

    @app.exception_handler(WrongBatchState)
    async def wrong_batch_state(_: Request, error: WrongBatchState) -> Response:
        return problem_response(ErrorCode.WRONG_BATCH_STATE, str(error))

    @app.exception_handler(LimitReached)
    async def too_many(_: Request, error: LimitReached) -> Response:
        return limit_problem(error).response()

    @app.exception_handler(IdempotencyConflict)
    async def other_request(_: Request, error: IdempotencyConflict) -> Response:
        return invalid_field("Idempotency-Key", FieldErrorCode.CONFLICT, str(error)).response()

    @app.exception_handler(DatabaseUnavailable)
    async def no_database(_: Request, error: DatabaseUnavailable) -> Response:
        return problem_response(ErrorCode.DATABASE_UNAVAILABLE, str(error), {"Retry-After": "5"})

    @app.exception_handler(StorageUnavailable)
    async def storage_unavailable(_: Request, error: StorageUnavailable) -> Response:
        return problem_response(ErrorCode.STORAGE_UNAVAILABLE, str(error), {"Retry-After": "60"})

    @app.exception_handler(ToolsBusy)
    async def tools_busy(_: Request, error: ToolsBusy) -> Response:
        return problem_response(ErrorCode.SERVER_BUSY, str(error), {"Retry-After": "5"})

    @app.exception_handler(EngineUnavailable)
    async def unavailable(_: Request, error: EngineUnavailable) -> Response:
        code = ErrorCode.SHUTTING_DOWN if isinstance(error, ShuttingDown) else ErrorCode.ENGINE_UNAVAILABLE
        return problem_response(code, str(error))

    @app.exception_handler(ParameterError)
    async def refused(_: Request, error: ParameterError) -> Response:
        if error.field is None:
            return problem_response(ErrorCode.REFUSED_BY_FOOOCUS, f"Fooocus refuses the request: {error}")
        return invalid_field(error.field, FieldErrorCode.REFUSED, str(error)).response()

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        # The client never receives it.
        return problem_response(ErrorCode.CLIENT_DISCONNECTED, "client disconnected before the request was complete")

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        route = getattr(request.scope.get("route"), "path", None)  # not the path, which may name an image
        log.error("request failed", extra={"method": request.method, "route": route}, exc_info=error)
        return problem_response(ErrorCode.INTERNAL_ERROR, "internal error; Fooocus's console has the details")


def _no_such_path(app: FastAPI, path: str) -> Response:
    """Return a 404 with the most similar path of the API. It compares with all paths: off the event loop."""
    problem = f"path {shortened(path)} does not exist"
    near = nearest_path(path, app.state.paths)
    if near is None:
        return problem_response(ErrorCode.PATH_NOT_FOUND, f"{problem}; GET /docs lists all paths")
    return problem_response(ErrorCode.PATH_NOT_FOUND, f"{problem}; did you mean {near}?", nearest=near)


def _methods(app: FastAPI, scope: Scope) -> list[str]:
    """Return the methods of this path over all its routes. Starlette returns those of the first route only."""
    return [
        method
        for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in app.routes)
    ]


def field_error(item: Any) -> FieldError:
    """Return one of pydantic's errors in this API's words."""
    location = item["loc"][1:] if item["loc"][:1] in (("body",), ("query",), ("header",), ("path",)) else item["loc"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    message = message_of(item) if path else _wrong_body(item.get("input"))
    return FieldError(
        field=shortened(path) or "body", code=code_of(item["type"]), message=message, allowed=allowed_of(item) or None
    )


def _wrong_body(sent: Any) -> str:
    if isinstance(sent, str):
        return "must be a JSON object, but is a text in JSON; encode the object once"
    return "must be a JSON object, sent with Content-Type: application/json"
