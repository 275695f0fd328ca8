"""The routes' class, the refusals in AUTOMATIC1111's words, and the documentation of its errors."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from pydantic_core import to_json

from ...requests.json_body import JsonRoute
from ...responses.problems import ERROR_HEADERS, InvalidFields
from .errors import error_body


class Refused(Exception):
    """A refusal in the words that clients of this API know: the status and the sentence."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class A1111Route(JsonRoute):
    """A route that accepts unknown members, as AUTOMATIC1111 does, and answers refusals in its shape."""

    @property
    def acts(self) -> bool:
        """Return False: clients add members and parameters of their own to every request."""
        return False

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except Refused as refused:
                return JSONResponse(error_body("HTTPException", refused.detail), refused.status)

        return handler


def json_response(answer: BaseModel) -> Response:
    """Return an answer as JSON. Off the event loop: with images it has hundreds of megabytes."""
    return Response(to_json(answer), media_type="application/json")


class ErrorResponse(BaseModel):
    """The body of an error."""

    error: str = Field(default="", description="The kind of the error.")
    detail: str = Field(description="The problem and its remedy, in words that may change.")
    body: str = Field(default="", description="Empty.")
    errors: str = Field(default="", description="Empty.")


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can end with these errors, and with those of every route."""
    return {
        status: {
            "model": ErrorResponse,
            "description": HTTPStatus(status).phrase,
            "headers": ERROR_HEADERS.get(status, {}),
        }
        for status in sorted({401, 403, 422, 429, 503, *statuses})
    }


@contextmanager
def renamed(names: Mapping[str, str]) -> Iterator[None]:
    """Give the fields of errors that are raised within the `with` block the names that the client knows.

    Args:
        names: field of a generate request → the client's field.
    """
    try:
        yield
    except InvalidFields as invalid:
        raise InvalidFields(
            error.model_copy(update={"field": _renamed(error.field, names)}) for error in invalid.errors
        ) from invalid


def _renamed(field: str, names: Mapping[str, str]) -> str:
    """Return the client's name for a path like `loras[0].weight`, by its first part."""
    first = field.partition("[")[0].partition(".")[0]
    return names[first] + field[len(first) :] if first in names else field
