"""`png-info`: the parameters in an image."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from .....asgi.error_codes import FieldErrorCode
from .....auth.keys import Scope
from .....images.codecs.input_formats import Unreadable
from .....images.metadata.reader import read_file
from .....images.metadata.schemes.a1111 import text_of
from .....images.metadata.schemes.found import Metadata
from ....context import ApiContext, Context
from ....executors import INPUT_EXECUTOR, run_in
from ....requests.memory_budget import IMAGE_BUDGET
from ....responses.problems import invalid_field
from ....security.authorization import require_scope
from ..generation.bodies import IMAGE
from ..generation.values import Text
from ..names.samplers import display_name
from ..pictures import SentImages
from ..routing import A1111Route, refusals

router = APIRouter(tags=["images"], route_class=A1111Route)
TEXTS = {
    "steps": "Steps",
    "sampler": "Sampler",
    "scheduler": "Schedule type",
    "guidance_scale": "CFG scale",
    "seed": "Seed",
    "base_model_hash": "Model hash",
    "base_model": "Model",
    "vae": "VAE",
    "clip_skip": "Clip skip",
}
"""Parameter → its name in AUTOMATIC1111's text, in the order there."""


class PngInfoBody(BaseModel):
    """An image."""

    image: Text = Field(default="", description=IMAGE)


class PngInfoResponse(BaseModel):
    """The parameters in an image; empty if it has none."""

    info: str = Field(description="The parameters as AUTOMATIC1111's text.")
    items: dict[str, str] = Field(description="The texts in the file by their names.")
    parameters: dict[str, Any] = Field(description="The parameters by AUTOMATIC1111's names.")


@router.post(
    "/sdapi/v1/png-info",
    summary="Parameters in an image",
    responses=refusals(413),
    dependencies=[require_scope(Scope.GENERATE)],
)
async def png_info(context: ApiContext, request: Request, body: Annotated[PngInfoBody, Body()]) -> PngInfoResponse:
    """Return the parameters in an image of Fooocus, AUTOMATIC1111 and others as AUTOMATIC1111's text."""
    return await run_in(INPUT_EXECUTOR, _read, context, request, body.image)


def _read(context: Context, request: Request, image: str) -> PngInfoResponse:
    with IMAGE_BUDGET.reservation() as reservation:
        content = SentImages(context, request, reservation).content("image", image)
    if content is None:
        return PngInfoResponse(info="", items={}, parameters={})
    try:
        found = read_file(content)
    except Unreadable as error:
        raise invalid_field("image", FieldErrorCode.UNREADABLE_IMAGE, f"is {error}") from error
    info = infotext_of(found)
    items = {"parameters": info} if info else {}
    return PngInfoResponse(info=info, items=items, parameters=_parameters(info))


def infotext_of(found: Metadata) -> str:
    """Return what a file has as AUTOMATIC1111's text: the text itself, or one made of the parameters."""
    if found.scheme == "a1111":
        return found.raw or ""
    parameters = dict(found.parameters.given())
    values = {TEXTS[name]: parameters[name] for name in TEXTS if name in parameters}
    if not values and not parameters.get("prompt"):
        return ""
    if "Sampler" in values:
        values["Sampler"] = display_name(str(values["Sampler"]))
    if "width" in parameters and "height" in parameters:
        values["Size"] = f"{parameters['width']}x{parameters['height']}"
    lines = [str(parameters.get("prompt") or "")]
    if parameters.get("negative_prompt"):
        lines.append(f"Negative prompt: {parameters['negative_prompt']}")
    lines.append(", ".join(f"{name}: {value}" for name, value in values.items()))
    return "\n".join(line for line in lines if line)


def _parameters(info: str) -> dict[str, Any]:
    text = text_of(info)
    if text is None:
        return {}
    pairs = {name: value if isinstance(value, str) else str(value) for name, value in text.pairs.items()}
    return {"Prompt": text.prompt, "Negative prompt": text.negative, **pairs}
