"""Scripts, extensions and further parts of AUTOMATIC1111: the lists of which Fooocus has none, and those of ControlNet."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ..names.controlnet import MODELS, MODULES
from ..routing import A1111Route, refusals

router = APIRouter(tags=["extensions"], route_class=A1111Route)
SCRIPTS = ["controlnet", "controlnet m2m"]
"""Scripts that requests may have. webuiapi knows by the second one that ControlNet is there."""
EMPTY_LISTS = ("face-restorers", "hypernetworks", "realesrgan-models", "script-info", "extensions")


class ScriptsResponse(BaseModel):
    """The scripts for each kind of request."""

    txt2img: list[str] = Field(description="Scripts of `txt2img`.")
    img2img: list[str] = Field(description="Scripts of `img2img`.")


class MemoryResponse(BaseModel):
    """The memory in use; unknown."""

    ram: dict[str, float] = Field(default={}, description="Empty.")
    cuda: dict[str, float] = Field(default={}, description="Empty.")


class VersionResponse(BaseModel):
    """The version of ControlNet whose units are understood."""

    version: int = Field(default=2, description="2.")


class ControlModels(BaseModel):
    """The models of ControlNet."""

    model_config = ConfigDict(protected_namespaces=())

    model_list: list[str] = Field(description="Names for a unit's `model`.")


class ControlModules(BaseModel):
    """The preprocessors of ControlNet."""

    module_list: list[str] = Field(description="Names for a unit's `module`.")
    module_detail: dict[str, Any] = Field(default={}, description="Empty.")


@router.get("/sdapi/v1/scripts", summary="Scripts", responses=refusals())
def scripts() -> ScriptsResponse:
    """List the scripts: ControlNet alone."""
    return ScriptsResponse(txt2img=SCRIPTS, img2img=SCRIPTS)


@router.get("/sdapi/v1/cmd-flags", summary="Flags of the start", responses=refusals())
def flags() -> dict[str, bool]:
    """Return the flags by which clients know that there is an API."""
    return {"api": True}


@router.get("/sdapi/v1/memory", summary="Memory", responses=refusals())
def memory() -> MemoryResponse:
    """Return the memory in use; empty, as it is unknown."""
    return MemoryResponse()


def _nothing() -> list[Any]:
    return []


for _name in EMPTY_LISTS:
    _words = _name.replace("-", " ")
    router.get(
        f"/sdapi/v1/{_name}",
        summary=_words.capitalize(),
        description=f"List the {_words}: Fooocus has none.",
        operation_id=f"list_{_name.replace('-', '_')}",
        responses=refusals(),
    )(_nothing)


@router.get("/controlnet/version", summary="Version of ControlNet", responses=refusals())
def controlnet_version() -> VersionResponse:
    """Return the version of ControlNet whose units are understood."""
    return VersionResponse()


@router.get("/controlnet/model_list", summary="Models of ControlNet", responses=refusals())
def controlnet_models() -> ControlModels:
    """List Fooocus's kinds of image prompts as models."""
    return ControlModels(model_list=list(MODELS))


@router.get("/controlnet/module_list", summary="Preprocessors of ControlNet", responses=refusals())
def controlnet_modules(
    alias_names: Annotated[bool, Query(description="Without effect.")] = False,
) -> ControlModules:
    """List the preprocessors, each for one of Fooocus's kinds of image prompts."""
    return ControlModules(module_list=list(MODULES))
