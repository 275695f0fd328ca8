"""`GET /v1/engines/*`: what may be named in a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ..context import Context
from ..errors import responses
from ..names import NamingRoute

LISTS = {
    "styles": ("styles", "Styles"),
    "presets": ("presets", "Presets"),
    "samplers": ("samplers", "Samplers"),
    "schedulers": ("schedulers", "Schedulers"),
    "performances": ("performances", "Performances"),
    "aspect-ratios": ("aspect_ratios", "Aspect ratios"),
}
"""Last part of the path → catalog, title."""


class ModelFiles(BaseModel):
    """The files in the model folders now, each by the name that requests use."""

    model_filenames: list[str] = Field(description="Checkpoints, for `base_model_name` and `refiner_model_name`.")
    lora_filenames: list[str] = Field(description="For `loras`.")
    vae_filenames: list[str] = Field(description="For `vae_name`.")


def router(context: Context) -> APIRouter:
    """The routes. All look anew at each call."""
    routes = APIRouter(tags=["catalog"], route_class=NamingRoute)

    @routes.get("/v1/engines/all-models", summary="Model files", responses=responses(401))
    def all_models() -> ModelFiles:
        """Checkpoints, LoRAs and VAEs. A file just dropped into its folder is there."""
        context.catalog.refresh()
        return ModelFiles(
            model_filenames=context.catalog.names("model_files"),
            lora_filenames=context.catalog.names("lora_files"),
            vae_filenames=context.catalog.names("vae_files"),
        )

    for path, (kind, title) in LISTS.items():
        options: dict[str, Any] = {"summary": title, "operation_id": f"all_{kind}", "responses": responses(401)}
        routes.get(f"/v1/engines/{path}", **options)(_names(context, kind))
    return routes


def _names(context: Context, kind: str) -> Callable[[], list[str]]:
    def names() -> list[str]:
        return context.catalog.names(kind)

    return names
