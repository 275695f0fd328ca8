"""The other routes of Fooocus-API: the ping, the models, their memory, and the images."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from ....auth.keys import Scope
from ...context import ApiContext
from ...requests.json_body import JsonRoute
from ...requests.parameter_names import NamingRoute
from ...responses.images import IMAGES
from ...results.tool_results import tool_result
from ...routes.images.outputs import get_output
from ...security.authorization import require_scope
from .documentation import errors


class ModelNames(BaseModel):
    """The files in the model folders."""

    model_filenames: list[str] = Field(description="Checkpoints.")
    lora_filenames: list[str] = Field(description="LoRAs.")


class Cleaned(BaseModel):
    """The outcome of a clean-up."""

    message: str = Field(description="Always ok.")


class StrictRoute(JsonRoute):
    """A route that rejects an unknown query parameter, as a GET of it changes something."""

    is_strict = True


router = APIRouter(tags=["server"], route_class=NamingRoute)


@router.get("/ping", summary="Know that the server is there")
async def ping() -> str:
    """Return `"pong"`. Needs no key."""
    return "pong"


@router.post("/v1/engines/refresh-models", summary="List the model files", responses=errors(403, 422, 429, 503))
def refresh_models(context: ApiContext) -> ModelNames:
    """List checkpoints and LoRAs, including files just added to their folders."""
    catalog = context.host.catalog
    catalog.refresh()
    return ModelNames(model_filenames=catalog.names("model_files"), lora_filenames=catalog.names("lora_files"))


async def clean_vram(context: ApiContext, request: Request) -> Cleaned:
    """Free the models' memory, after the tasks queued before it. A page of another site can't request it."""
    await tool_result(context.tools.unload, request)
    return Cleaned(message="ok")


router.add_api_route(
    "/v1/engines/clean_vram",
    clean_vram,
    methods=["GET"],
    summary="Free the models' memory",
    dependencies=[require_scope(Scope.ADMIN)],
    responses=errors(403, 422, 429, 500, 503),
    route_class_override=StrictRoute,
)

_images: dict[int | str, dict[str, Any]] = {
    **{status: IMAGES[status] for status in (200, 206, 304)},
    **errors(403, 404, 406, 416, 422, 429, 503),
}
router.add_api_route(
    "/files/{date}/{file_name}",
    get_output,
    methods=["GET"],
    summary="Generated image",
    dependencies=[require_scope(Scope.READ)],
    response_class=Response,
    responses=_images,
)
router.add_api_route(
    "/files/{date}/{file_name}",
    get_output,
    methods=["HEAD"],
    dependencies=[require_scope(Scope.READ)],
    include_in_schema=False,
)
