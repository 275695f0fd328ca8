"""Lists of samplers, schedulers, upscalers and styles."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ....context import ApiContext
from ..names.samplers import ALIASES, AUTOMATIC, LABELS, samplers
from ..names.upscalers import UPSCALERS
from ..routing import A1111Route, refusals

router = APIRouter(tags=["lists"], route_class=A1111Route)


class SamplerItem(BaseModel):
    """A sampler."""

    name: str = Field(description="The name for `sampler_name`.")
    aliases: list[str] = Field(description="Further names, Fooocus's own among them.")
    options: dict[str, str] = Field(description="Empty.")


class SchedulerItem(BaseModel):
    """A noise scheduler."""

    name: str = Field(description="The name for `scheduler`.")
    label: str = Field(description="The name in menus, accepted as well.")
    aliases: list[str] | None = Field(description="Further names.")
    default_rho: float = Field(default=-1.0, description="Always -1.")
    need_inner_model: bool = Field(default=False, description="Always false.")


class UpscalerItem(BaseModel):
    """An upscaler."""

    model_config = ConfigDict(protected_namespaces=())

    name: str = Field(description="The name for `upscaler_1`.")
    model_name: str | None = Field(default=None, description="Null.")
    model_path: str | None = Field(default=None, description="Null.")
    model_url: str | None = Field(default=None, description="Null.")
    scale: float = Field(default=4.0, description="The largest factor without a loss.")


class LatentMode(BaseModel):
    """A way to enlarge for hires fix. All have the same effect."""

    name: str = Field(description="The name for `hr_upscaler`.")


class StyleItem(BaseModel):
    """A style of Fooocus."""

    name: str = Field(description="The name for `styles`.")
    prompt: str | None = Field(description="Its template, with `{prompt}` for the prompt.")
    negative_prompt: str | None = Field(description="Its addition to the negative prompt.")


@router.get("/sdapi/v1/samplers", summary="Samplers", responses=refusals())
def list_samplers(context: ApiContext) -> list[SamplerItem]:
    """List the samplers of the host by their display names."""
    found = samplers(context.host.catalog.names("samplers"))
    return [SamplerItem(name=one.name, aliases=list(one.aliases), options={}) for one in found]


@router.get("/sdapi/v1/schedulers", summary="Schedulers", responses=refusals())
def list_schedulers(context: ApiContext) -> list[SchedulerItem]:
    """List the schedulers of the host; `automatic` is that of the sampler's name, else the host's default."""
    names = context.host.catalog.names("schedulers")
    items = [SchedulerItem(name=name, label=LABELS.get(name, name), aliases=ALIASES.get(name)) for name in names]
    return [SchedulerItem(name=AUTOMATIC, label="Automatic", aliases=None), *items]


@router.get("/sdapi/v1/upscalers", summary="Upscalers", responses=refusals())
def list_upscalers() -> list[UpscalerItem]:
    """List the upscalers."""
    return [UpscalerItem(name=name, scale=scale) for name, scale in UPSCALERS.items()]


@router.get("/sdapi/v1/latent-upscale-modes", summary="Latent upscale modes", responses=refusals())
def list_latent_modes() -> list[LatentMode]:
    """List the ways to enlarge for hires fix."""
    return [LatentMode(name="Latent")]


@router.get("/sdapi/v1/prompt-styles", summary="Styles", responses=refusals())
def list_styles(context: ApiContext) -> list[StyleItem]:
    """List the styles of the host. Those that it computes, such as Fooocus V2, have no template."""
    texts = context.host.catalog.style_texts()
    found = ((name, *texts.get(name, (None, None))) for name in context.host.catalog.names("styles"))
    return [StyleItem(name=name, prompt=prompt, negative_prompt=negative) for name, prompt, negative in found]
