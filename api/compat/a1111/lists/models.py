"""Lists of the host's model files: checkpoints, VAEs, LoRAs and embeddings; and scans of their folders."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from .....auth.keys import Scope
from ....context import ApiContext
from ....security.authorization import require_scope
from ..names.checkpoints import listed, stem_of
from ..routing import A1111Route, refusals

EMBEDDING = "embedding"
EMBEDDING_SHAPE = 2048
"""Numbers of a vector of SDXL's embeddings, in both of its text encoders."""
router = APIRouter(tags=["models"], route_class=A1111Route)


class CheckpointItem(BaseModel):
    """A checkpoint."""

    model_config = ConfigDict(protected_namespaces=())

    title: str = Field(description="The name for `sd_model_checkpoint`.")
    model_name: str = Field(description="The file without its ending.")
    hash: str | None = Field(description="The start of its SHA-256, if Fooocus knows it.")
    sha256: str | None = Field(description="Null.")
    filename: str = Field(description="The file in its folder.")
    config: str | None = Field(description="Null.")


class VaeItem(BaseModel):
    """A VAE."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str = Field(description="The name for `sd_vae`.")
    filename: str = Field(description="The file in its folder.")


class LoraItem(BaseModel):
    """A LoRA."""

    name: str = Field(description="The name for `<lora:name:1>` in a prompt.")
    alias: str = Field(description="The same name.")
    path: str = Field(description="The file in its folder.")
    metadata: dict[str, Any] = Field(description="Empty.")


class EmbeddingItem(BaseModel):
    """An embedding. Its numbers are those of any embedding for SDXL."""

    step: int | None = Field(default=None, description="Null.")
    sd_checkpoint: str | None = Field(default=None, description="Null.")
    sd_checkpoint_name: str | None = Field(default=None, description="Null.")
    shape: int = Field(default=EMBEDDING_SHAPE, description="Numbers of a vector.")
    vectors: int = Field(default=1, description="Number of vectors.")


class EmbeddingsResponse(BaseModel):
    """The embeddings. Write one into a prompt as `(embedding:name:1.0)`."""

    loaded: dict[str, EmbeddingItem] = Field(description="Embeddings by name.")
    skipped: dict[str, EmbeddingItem] = Field(description="Empty.")


@router.get("/sdapi/v1/sd-models", summary="Checkpoints", responses=refusals())
def sd_models(context: ApiContext) -> list[CheckpointItem]:
    """List the checkpoints of the host."""
    return [
        CheckpointItem(title=one.title, model_name=one.stem, hash=one.hash, sha256=None, filename=one.file, config=None)
        for one in listed(context.host.catalog, "model_files")
    ]


@router.get("/sdapi/v1/sd-vae", summary="VAEs", responses=refusals())
def sd_vae(context: ApiContext) -> list[VaeItem]:
    """List the VAE files of the host."""
    return [VaeItem(model_name=name, filename=name) for name in context.host.catalog.names("vae_files")]


@router.get("/sdapi/v1/loras", summary="LoRAs", responses=refusals())
def loras(context: ApiContext) -> list[LoraItem]:
    """List the LoRA files of the host."""
    files = [(stem_of(file), file) for file in context.host.catalog.names("lora_files")]
    return [LoraItem(name=stem, alias=stem, path=file, metadata={}) for stem, file in files]


@router.get("/sdapi/v1/embeddings", summary="Embeddings", responses=refusals())
def embeddings(context: ApiContext) -> EmbeddingsResponse:
    """List the embeddings of the host."""
    catalog = context.host.catalog
    files = catalog.models([EMBEDDING]) if EMBEDDING in catalog.model_kinds() else []
    return EmbeddingsResponse(loaded={stem_of(file.name): EmbeddingItem() for file in files}, skipped={})


def refresh(context: ApiContext) -> Any:
    """Scan the model folders for files that were added or removed."""
    context.host.catalog.refresh()
    return JSONResponse(None)


for _kind in ("checkpoints", "vae", "loras"):
    router.post(
        f"/sdapi/v1/refresh-{_kind}",
        summary="Scan the model folders",
        operation_id=f"refresh_{_kind}",
        response_model=None,
        responses=refusals(),
        dependencies=[require_scope(Scope.GENERATE)],
    )(refresh)
