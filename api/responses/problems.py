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

from ...asgi.problem import PROBLEM, problem_response, shortened
from ...images.input_store import StorageUnavailable
from ...tasks.ports.engine import EngineUnavailable, ParameterError
from ...tasks.queue.submission import IdempotencyConflict
from ...tasks.service import DatabaseUnavailable, LimitReached, UnknownTask, WrongStatus
from ..path_prefixes import nearest_path

log = logging.getLogger("fooocus_api.api")

MAX_ERRORS = 50
"""Errors in one response, as a list may have a thousand wrong entries."""


class FieldError(BaseModel):
    """One invalid field of a request."""

    field: str = Field(description="Path of the field, as in `loras[0].weight`.")
    message: str = Field(description="What is wrong and what is allowed.")
    allowed: list[Any] | None = Field(default=None, description="The nearest allowed values, where they are listed.")


class ProblemDetails(BaseModel):
    """The body of every error response."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", description="Always `about:blank`: the status says the kind.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong.")
    errors: list[FieldError] | None = Field(default=None, description="The fields that are wrong, where it is fields.")


class Problem(Exception):
    """An error with its HTTP status. `extra` adds members to the body."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.extra = extra


class InvalidFields(Problem):
    """A 422 with the invalid fields, at most MAX_ERRORS of them, and what is allowed for each."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = list(islice(errors, MAX_ERRORS))
        detail = "; ".join(f"{error.field}: {error.message}" for error in self.errors)
        super().__init__(422, detail, errors=[error.model_dump(exclude_none=True) for error in self.errors])


def limit_problem(error: LimitReached) -> Problem:
    """Return the 429 for a reached limit: its name, the number it allows, and `Retry-After`."""
    headers = {"Retry-After": str(error.retry_after)}
    return Problem(429, str(error), headers=headers, limit=error.limit, allowed=error.most)


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
    401: {"WWW-Authenticate": header("How a key is sent.", required=True)},
    416: {"Content-Range": header("`bytes */` and how many there are.", required=True)},
    429: {"Retry-After": header("Seconds.", required=True, type="integer", minimum=0)},
    503: {"Retry-After": header("Seconds, where it is known.", type="integer", minimum=0)},
}
"""Status → the OpenAPI objects of its headers."""


def add_handlers(app: FastAPI) -> None:
    """Register the exception handlers that turn every error of this app into a problem document."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return problem_response(error.status, error.detail, error.headers, **error.extra)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        fields = InvalidFields(_field_error(item) for item in error.errors())
        return problem_response(422, fields.detail, **fields.extra)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 404 and request.scope.get("route") is None:
            return await asyncio.to_thread(_no_such_path, app, _path(request.scope))
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_methods(app, request.scope)) or "GET, HEAD"  # the methods of the docs' files
        return problem_response(error.status_code, str(error.detail), headers)

    @app.exception_handler(UnknownTask)
    async def unknown_task(_: Request, error: UnknownTask) -> Response:
        return problem_response(404, f"there is no task {error}")

    @app.exception_handler(WrongStatus)
    async def wrong_status(_: Request, error: WrongStatus) -> Response:
        return problem_response(409, str(error))

    @app.exception_handler(LimitReached)
    async def too_many(request: Request, error: LimitReached) -> Response:
        return await problem(request, limit_problem(error))

    @app.exception_handler(IdempotencyConflict)
    async def other_request(_: Request, error: IdempotencyConflict) -> Response:
        fields = InvalidFields([FieldError(field="Idempotency-Key", message=str(error))])
        return problem_response(422, fields.detail, **fields.extra)

    @app.exception_handler(DatabaseUnavailable)
    async def no_database(_: Request, error: DatabaseUnavailable) -> Response:
        return problem_response(503, str(error), {"Retry-After": "5"})

    @app.exception_handler(StorageUnavailable)
    async def no_room(_: Request, error: StorageUnavailable) -> Response:
        return problem_response(503, str(error), {"Retry-After": "60"})

    @app.exception_handler(EngineUnavailable)
    async def unavailable(_: Request, error: EngineUnavailable) -> Response:
        return problem_response(503, str(error))

    @app.exception_handler(ParameterError)
    async def refused(_: Request, error: ParameterError) -> Response:
        if error.field is None:
            return problem_response(422, f"Fooocus refuses the request: {error}")
        fields = InvalidFields([FieldError(field=error.field, message=str(error))])
        return problem_response(422, fields.detail, **fields.extra)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return problem_response(400, "the client left before its request was whole")  # never received

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        route = getattr(request.scope.get("route"), "path", None)  # not the path, which may name an image
        log.error("request failed", extra={"method": request.method, "route": route}, exc_info=error)
        return problem_response(500, "the API failed on this request; Fooocus's console has the details")


def _path(scope: Scope) -> str:
    """Return a request's path without the prefix (`root_path`) that a proxy has added."""
    path, prefix = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(prefix) if prefix and path.startswith(f"{prefix}/") else path


def _no_such_path(app: FastAPI, path: str) -> Response:
    """Return a 404 with the most similar path of the API. It compares with all paths: off the event loop."""
    there = f"there is no {shortened(path)}"
    near = nearest_path(path, app.state.paths)
    if near is None:
        return problem_response(404, f"{there}; GET /docs lists what there is")
    return problem_response(404, f"{there}; did you mean {near}?", nearest=near)


def _methods(app: FastAPI, scope: Scope) -> list[str]:
    """Return the methods of this path over all its routes. Starlette returns those of the first route only."""
    return [
        method
        for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in app.routes)
    ]


def _field_error(item: Any) -> FieldError:
    location = item["loc"][1:] if item["loc"][:1] in (("body",), ("query",), ("header",), ("path",)) else item["loc"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    message = str(item["msg"]) if path else "must be a JSON object, sent with Content-Type: application/json"
    return FieldError(field=shortened(path) or "body", message=message)
