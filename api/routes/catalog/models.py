"""`GET /v1/engines/models`: the files in the model folders."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from ....asgi.error_codes import FieldErrorCode
from ....asgi.problem import shortened
from ...context import ApiContext, Context
from ...requests.parameter_names import NamingRoute
from ...responses.problems import invalid_field, responses
from ...validation.nearest_names import nearest

MAX_KINDS = 20


class ModelFileEntry(BaseModel):
    """A file in a model folder."""

    name: str = Field(description="The name that requests use: the path relative to its folder.")
    kind: str = Field(
        description="The folder's kind: `checkpoint`, `lora`, `vae`, `embedding`, or another of Fooocus's."
    )
    size: int = Field(description="The size in bytes.")
    modified_at: datetime = Field(description="The time when the file was last changed.")
    hash: str | None = Field(
        description="The first 10 digits of its SHA-256, as in images' metadata; null if Fooocus has not computed it. "
        "Fooocus computes it for the first image with metadata that a checkpoint or LoRA makes."
    )


def router(context: Context) -> APIRouter:
    """Return the router, whose schema has the kinds of the running host."""
    routes = APIRouter(tags=["catalog"], route_class=NamingRoute)

    def kinds(schema: dict[str, Any]) -> None:
        schema["items"] = {"type": "string", "enum": context.host.catalog.model_kinds()}

    def get_models(context: ApiContext, kind: Any = None) -> list[ModelFileEntry]:
        """List the files in the model folders as they are now, with sizes, times, and the hashes that Fooocus has computed."""
        return models_of(context, kind)

    description = "Kinds to list, as in `lora`; may be repeated. All by default."
    get_models.__annotations__["kind"] = Annotated[
        list[str], Query(max_length=MAX_KINDS, description=description, json_schema_extra=kinds)
    ]
    routes.get("/v1/engines/models", summary="Model files in detail", responses=responses(401, 422))(get_models)
    return routes


def models_of(context: Context, kind: list[str] | None) -> list[ModelFileEntry]:
    """Return the files of these kinds, None for all.

    Raises:
        InvalidFields: the host has no such kind.
    """
    known = context.host.catalog.model_kinds()
    for given in kind or ():
        if given not in known:
            near = nearest(given, known, many=3) or known
            message = f"unknown kind of models {shortened(given)!r}"
            raise invalid_field("kind", FieldErrorCode.UNKNOWN_VALUE, message, near)
    found = context.host.catalog.models([one for one in known if kind is None or one in kind])
    return [
        ModelFileEntry(
            name=one.name,
            kind=one.kind,
            size=one.size,
            modified_at=datetime.fromtimestamp(one.modified_at, timezone.utc),
            hash=one.hash,
        )
        for one in found
    ]
