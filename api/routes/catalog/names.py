"""`GET /v1/engines/*`: lists of names that requests may use."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ...context import ApiContext
from ...requests.parameter_names import NamingRoute
from ...responses.problems import responses

LISTS = {
    "styles": ("styles", "Styles"),
    "presets": ("presets", "Presets"),
    "samplers": ("samplers", "Samplers"),
    "schedulers": ("schedulers", "Schedulers"),
    "performances": ("performances", "Performances"),
    "aspect-ratios": ("aspect_ratios", "Aspect ratios"),
    "output-formats": ("output_formats", "Output formats"),
    "metadata-schemes": ("metadata_schemes", "Metadata schemes"),
    "refiner-swap-methods": ("refiner_swap_methods", "Refiner swap methods"),
    "uov-methods": ("uov_methods", "Upscale and vary methods"),
    "inpaint-engines": ("inpaint_engines", "Inpaint engines"),
    "outpaint-directions": ("outpaint_directions", "Outpaint directions"),
    "mask-models": ("mask_models", "Mask models"),
    "cloth-categories": ("cloth_categories", "Cloth categories of the mask model u2net_cloth_seg"),
    "sam-models": ("sam_models", "SAM models of the mask model sam"),
    "enhance-orders": ("enhance_orders", "Times at which an enhancement upscales or varies"),
    "enhance-prompt-types": ("enhance_prompt_types", "Prompts with which an enhancement upscales or varies"),
}
"""Last part of the path → catalog and title."""


class ModelFiles(BaseModel):
    """The files in the model folders, by the names that requests use."""

    model_filenames: list[str] = Field(description="Checkpoints, for `base_model_name` and `refiner_model_name`.")
    lora_filenames: list[str] = Field(description="For `loras`.")
    vae_filenames: list[str] = Field(description="For `vae_name`.")


router = APIRouter(tags=["catalog"], route_class=NamingRoute)


@router.get("/v1/engines/all-models", summary="Model files", responses=responses(401))
def all_models(context: ApiContext) -> ModelFiles:
    """List checkpoints, LoRAs and VAEs, including files just added to their folders."""
    context.host.catalog.refresh()
    return ModelFiles(
        model_filenames=context.host.catalog.names("model_files"),
        lora_filenames=context.host.catalog.names("lora_files"),
        vae_filenames=context.host.catalog.names("vae_files"),
    )


def lister(kind: str) -> Callable[..., list[str]]:
    """Return the route's function that lists one catalog's names."""

    def names(context: ApiContext) -> list[str]:
        return context.host.catalog.names(kind)

    return names


for _path, (_kind, _title) in LISTS.items():
    router.get(f"/v1/engines/{_path}", summary=_title, operation_id=f"all_{_kind}", responses=responses(401))(
        lister(_kind)
    )
