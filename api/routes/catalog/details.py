"""`GET /v1/engines/control-types` and `/v1/engines/wildcards`: names with what the host knows about them."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ...context import ApiContext
from ...requests.parameter_names import NamingRoute
from ...responses.problems import responses


class ControlTypeEntry(BaseModel):
    """A type of image prompts, with the values that Fooocus's WebUI sets when it is chosen."""

    name: str = Field(description="The name, for `cn_type` of an entry of `controlnet_image`.")
    stop: float | None = Field(description="Fooocus's default for `cn_stop`, if it has one.")
    weight: float | None = Field(description="Fooocus's default for `cn_weight`, if it has one.")


class WildcardEntry(BaseModel):
    """A wildcard file."""

    name: str = Field(description="The name, written `__name__` in prompts.")
    lines: int = Field(description="The number of lines that are not empty, of which Fooocus takes one.")


router = APIRouter(tags=["catalog"], route_class=NamingRoute)


@router.get("/v1/engines/control-types", summary="Types of image prompts", responses=responses(401))
def control_types(context: ApiContext) -> list[ControlTypeEntry]:
    """List the types of image prompts, each with its default values."""
    found = context.host.catalog.control_types()
    return [ControlTypeEntry(name=one.name, stop=one.stop, weight=one.weight) for one in found]


@router.get("/v1/engines/wildcards", summary="Wildcards", responses=responses(401))
def wildcards(context: ApiContext) -> list[WildcardEntry]:
    """List the wildcards, including files just added to their folder."""
    context.host.catalog.refresh()
    return [WildcardEntry(name=one.name, lines=one.lines) for one in context.host.catalog.wildcards()]
