"""`GET /v1/models`: the checkpoints and the names that clients expect, and the choice of a checkpoint by a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ....asgi.error_codes import ErrorCode
from ....asgi.problem import shortened
from ....tasks.model.workload.model_files import listed_as, portable
from ...context import ApiContext, Context
from ...requests.parameter_names import NamingRoute
from ...responses.problems import Problem
from .documentation import error_responses

ALIASES = ("gpt-image-1", "dall-e-3")
"""Names of OpenAI's for Fooocus's default: some clients list only models with such names."""
EXTENSIONS = (".safetensors", ".ckpt", ".pth", ".bin", ".fooocus.patch")
"""Endings of checkpoints' files. A name with one of them is searched in the folders again if it is unknown."""
CHECKPOINT, PRESET = "base_model_name", "preset"
"""Fields of a generate request that a model's name can set."""


class ModelEntry(BaseModel):
    """A model that requests may name."""

    id: str = Field(description="The file name of a checkpoint, or a name for Fooocus's default.")
    object: Literal["model"] = "model"
    created: int = Field(description="The time of the file in seconds since 1970, 0 without one.")
    owned_by: str = "fooocus"


class ModelList(BaseModel):
    """The models that requests may name."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]


def chosen_model(name: str | None, context: Context) -> dict[str, Any]:
    """Return the fields of a generate request that a model's name sets, none if it is of no checkpoint and no preset.

    It may read the folders: off the event loop.
    """
    if not name:
        return {}
    catalog = context.host.catalog
    found = _checkpoint(name, catalog.names("models"))
    if found is None and name.lower().endswith(EXTENSIONS):
        catalog.refresh()  # the file may be new in its folder
        found = _checkpoint(name, catalog.names("models"))
    if found is not None:
        return {CHECKPOINT: found}
    return {PRESET: name} if name in catalog.names("presets") else {}


def _checkpoint(name: str, listed: list[str]) -> str | None:
    """Return the listed checkpoint of a name with or without folder and extension, None without one."""
    found = listed_as(name, listed)
    if found is not None:
        return found
    wanted = str(portable(name))
    return next((one for one in listed if wanted in _short_names(one)), None)


def _short_names(file: str) -> Iterator[str]:
    path = portable(file)
    yield path.name
    for ending in EXTENSIONS:
        if path.name.lower().endswith(ending):
            stem = path.name[: -len(ending)]
            yield stem
            yield str(path.with_name(stem)) if stem else stem


def router() -> APIRouter:
    """Return the router of the models."""
    routes = APIRouter(tags=["models"], route_class=NamingRoute)

    @routes.get("/v1/models", summary="Models", responses=error_responses(401, 403, 429, 503))
    def get_models(context: ApiContext) -> ModelList:
        """List the checkpoints, and the names `gpt-image-1` and `dall-e-3` for Fooocus's default."""
        context.host.catalog.refresh()
        return ModelList(data=[*_checkpoints(context), *(ModelEntry(id=name, created=0) for name in ALIASES)])

    @routes.get("/v1/models/{model:path}", summary="A model", responses=error_responses(401, 403, 404, 429, 503))
    def get_model(context: ApiContext, model: str) -> ModelEntry:
        """Return a model by any name that requests may use for a checkpoint or a preset."""
        if model in ALIASES:
            return ModelEntry(id=model, created=0)
        found = chosen_model(model, context)
        if PRESET in found:
            return ModelEntry(id=model, created=0)
        for entry in _checkpoints(context):
            if entry.id == found.get(CHECKPOINT):
                return entry
        detail = f"model {shortened(model)!r} does not exist; GET /v1/models lists the models"
        raise Problem(ErrorCode.MODEL_FILE_NOT_FOUND, detail)

    return routes


def _checkpoints(context: Context) -> Iterator[ModelEntry]:
    """Yield the checkpoints that requests may name, in the order of the WebUI's list."""
    times = {
        str(PurePosixPath(portable(file.name))): file.modified_at
        for file in context.host.catalog.models(["checkpoint"])
    }
    for name in context.host.catalog.names("models"):
        yield ModelEntry(id=name, created=int(times.get(str(portable(name)), 0)))
