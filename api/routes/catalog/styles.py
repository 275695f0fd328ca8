"""`GET /v1/engines/styles/{name}`: a style's templates and its sample picture."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response
from pydantic import BaseModel, Field

from ....asgi.error_codes import ErrorCode
from ....asgi.problem import shortened
from ....tasks.ports.catalog import Style
from ...context import ApiContext, Context
from ...requests.parameter_names import NamingRoute
from ...responses.images import CACHE_REVALIDATE, CONDITIONS, IMAGES, image_response
from ...responses.problems import Problem, responses
from ...validation.known_names import nearest_names


class StyleResponse(BaseModel):
    """A style. A style that Fooocus computes, such as `Fooocus V2` or `Random Style`, has no templates."""

    name: str = Field(description="The name, for `style_selections`.")
    prompt: str | None = Field(description="The template of the prompt, in which `{prompt}` stands for the request's.")
    negative_prompt: str | None = Field(description="The text that the style adds to the negative prompt.")
    sample_url: str | None = Field(
        description="The URL of Fooocus's sample picture; null without one. It needs a key, if any is."
    )


StyleName = Annotated[str, PathParameter(description="A name from `/v1/engines/styles`.")]
router = APIRouter(tags=["catalog"], route_class=NamingRoute)


@router.get("/v1/engines/styles/{name}", summary="Style", responses=responses(401, 404))
def get_style(context: ApiContext, request: Request, name: StyleName) -> StyleResponse:
    """Return a style's templates, and the URL of its sample picture."""
    style = _style(context, name)
    path = f"/v1/engines/styles/{quote(style.name, safe='')}/sample"
    return StyleResponse(
        name=style.name,
        prompt=style.prompt,
        negative_prompt=style.negative_prompt,
        sample_url=None if style.sample is None else f"{context.urls(request).base}{path}",
    )


@router.get(
    "/v1/engines/styles/{name}/sample",
    summary="Sample picture of a style",
    response_class=Response,
    responses=IMAGES,
    openapi_extra=CONDITIONS,
)
def get_sample(context: ApiContext, request: Request, name: StyleName) -> Response:
    """Return Fooocus's sample picture of a style, converted if `Accept` names exactly one other image type."""
    style = _style(context, name)
    if style.sample is None:
        raise Problem(ErrorCode.IMAGE_NOT_FOUND, f"style {shortened(name)!r} has no sample picture")
    return image_response(request, style.sample, CACHE_REVALIDATE)


def _style(context: Context, name: str) -> Style:
    """Return a style.

    Raises:
        Problem: 404, the host has no style of this name.
    """
    style = context.host.catalog.style(name)
    if style is None:
        near = nearest_names(name, context.host.catalog.names("styles"))
        message = (
            f"style {shortened(name)!r} does not exist; did you mean {near[0]!r}?" if near else "there are no styles"
        )
        raise Problem(ErrorCode.STYLE_NOT_FOUND, message, nearest=near)
    return style
