"""JSON bodies of tools that take forms, too, so that the route itself reads the body."""

from __future__ import annotations

from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from ....asgi.error_codes import ErrorCode
from ...requests.parameter_names import note_ignored, unknown_names
from ...responses.problems import Problem

M = TypeVar("M", bound=BaseModel)


async def json_of(request: Request, model: type[M]) -> M:
    """Return a JSON body as a model, and note its unknown members as ignored.

    Raises:
        Problem: 415, the body is of another type.
        RequestValidationError: the body does not fit the model.
    """
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Problem(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            f"{content_type} is not supported; send application/json or multipart/form-data",
        )
    try:
        body = model.model_validate(await request.json() if await request.body() else None)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
    note_ignored(request, unknown_names(body.model_extra or {}, ()))
    return body
