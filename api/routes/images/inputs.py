"""`POST /inputs` and `GET /inputs/{file_name}`: uploaded images for use in requests."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from ....asgi.error_codes import FieldErrorCode
from ....auth.keys import Scope
from ....images.codecs.decoding import NotAnImage, upright_size
from ....images.references import ImageReference
from ....images.storage.input_store import MAX_BYTES
from ...context import ApiContext, Context
from ...executors import INPUT_EXECUTOR, run_in
from ...images.forms import bounded_form, content_of, image_form, image_too_large, sent_image
from ...requests.image_sources import open_reference
from ...requests.memory_budget import BODY_BUDGET
from ...requests.parameter_names import NamingRoute
from ...responses.images import CACHE_IMMUTABLE, CONDITIONS, IMAGES, image_response
from ...responses.problems import header, invalid_field, responses
from ...security.authorization import Access, access_of, may_see_image, require_scope


class InputResponse(BaseModel):
    """A stored image."""

    url: str = Field(description="The URL of the image, for any field of a request that takes an image.")
    file_name: str = Field(description="The name of the image, which requests to this server also accept.")
    width: int = Field(description="Pixels of the upright image.")
    height: int = Field(description="Pixels of the upright image.")


router = APIRouter(tags=["images"], route_class=NamingRoute)


@router.post(
    "/inputs",
    status_code=201,
    summary="Upload an image",
    response_model=InputResponse,
    dependencies=[require_scope(Scope.GENERATE)],
    responses={
        **responses(401, 413, 422, 503),
        201: {"headers": {"Location": header("The URL of the image.", required=True)}},
    },
    openapi_extra={"requestBody": {"required": True, "content": image_form()}},
)
async def post_input(context: ApiContext, request: Request, response: Response) -> InputResponse:
    """Store an image and return its URL. An image that is sent again is stored only once.

    PNG, JPEG and WebP are stored unchanged, other formats as a PNG of the first frame or page.
    """
    with BODY_BUDGET.reservation() as reservation:
        async with bounded_form(request) as form:
            content = await content_of(sent_image(form), reservation)
        kept = await run_in(INPUT_EXECUTOR, _keep, context, access_of(request), content)
    url = context.urls(request).image(str(ImageReference.input(kept["file_name"])))
    response.headers["Location"] = url
    return InputResponse(url=url, **kept)


@router.head("/inputs/{file_name}", include_in_schema=False, dependencies=[require_scope(Scope.READ)])
@router.get(
    "/inputs/{file_name}",
    summary="Uploaded image",
    response_class=Response,
    dependencies=[require_scope(Scope.READ)],
    responses=IMAGES,
    openapi_extra=CONDITIONS,
)
def get_input(
    context: ApiContext,
    request: Request,
    file_name: Annotated[str, Path(description="The file name from `POST /inputs` or from a record's URL.")],
) -> Response:
    """Return the file, converted if `Accept` names exactly one supported image type and the file has another.

    A signed URL, as found in records and returned by `POST /inputs`, needs no key.
    """
    path = open_reference(context, str(ImageReference.input(file_name)), may_see_image(context, request))
    return image_response(request, path, CACHE_IMMUTABLE)


def _keep(context: Context, access: Access, content: bytes) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise image_too_large()
    try:
        width, height = upright_size(content)
        file_name = context.inputs.add(content)
    except NotAnImage as error:
        raise invalid_field("image", FieldErrorCode.UNREADABLE_IMAGE, f"is {error}") from error
    if access.only is not None:
        context.services.ownership.note_upload(access.source, file_name)
    return {"file_name": file_name, "width": width, "height": height}
