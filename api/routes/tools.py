"""`/v1/tools/*` and `/v1/engine/unload`: other uses of the models than generating images, in turn with the tasks."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Annotated, Any, ClassVar, TypeVar

from fastapi import APIRouter, Body, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from PIL import Image as PILImage
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from starlette.datastructures import UploadFile

from ...asgi.problem import shortened
from ...auth.keys import Scope
from ...images.decoding import NotAnImage, read_rgb
from ...images.input_store import MAX_BYTES
from ...tasks.ports.tools import DescribeKind, MaskOptions, Picture, ToolFailed, Unloaded
from ..context import Catalog, Context
from ..executors import INPUT_EXECUTOR, run_in
from ..requests.image_sources import ImageResolver
from ..requests.json_body import JsonOrFormRoute, JsonRoute, is_form
from ..requests.memory_budget import IMAGE_BUDGET, Reservation
from ..requests.parameter_names import note_ignored, unknown_names
from ..responses.problems import FieldError, InvalidFields, Problem, responses
from ..security.authorization import may_see_image, require_scope
from ..validation.validation import SAM_BOX_THRESHOLD, sam_errors
from .inputs import bounded_form, image_form, sent_image

T = TypeVar("T")

DESCRIBE_KINDS: dict[str, DescribeKind] = {
    "Photo": "photo",
    "Anime": "anime",
    "Photograph": "photo",
    "Art/Anime": "anime",
}
"""Values of `image_type`: this API's names, then the WebUI's."""

IMAGE = "URL, base64, data URI, or the URL of an input or output of this server."


class DescribeRequest(BaseModel):
    """An image to be described."""

    model_config = ConfigDict(extra="allow")

    image: str = Field(min_length=1, description=IMAGE)
    image_type: str | None = Field(
        default=None,
        description="`Photo` gives a caption, `Anime` gives tags. `Photo` unless given.",
        json_schema_extra={"enum": [*DESCRIBE_KINDS, None]},
    )


class DescribeResponse(BaseModel):
    """The description of an image."""

    describe: str = Field(description="A caption or tags, to be used as a prompt.")


class MaskRequest(BaseModel):
    """An image, and what its mask is to cover."""

    CATALOGS: ClassVar[dict[str, str]] = {
        "mask_model": "mask_models",
        "cloth_category": "cloth_categories",
        "sam_model": "sam_models",
    }

    model_config = ConfigDict(extra="allow")

    image: str = Field(min_length=1, description=IMAGE)
    mask_model: str = Field(default="isnet-general-use", description="What finds it.")
    cloth_category: str = Field(default="full", description="Which clothes, with mask model `u2net_cloth_seg`.")
    dino_prompt_text: str = Field(default="", description="What to look for, with mask model `sam`, which needs it.")
    sam_model: str = Field(default="vit_b", description="The size of the model, with mask model `sam`.")
    box_threshold: float = Field(
        default=0.3, ge=0, le=1, description=f"How sure to be that something is there; `sam`, from {SAM_BOX_THRESHOLD}."
    )
    text_threshold: float = Field(
        default=0.25, ge=0, le=1, description="How sure to be that it is what was named; `sam`."
    )
    sam_max_detections: int = Field(default=0, ge=0, le=10, description="How many at most, 0 for all; `sam`.")
    dino_erode_or_dilate: int = Field(default=0, ge=-64, le=64, description="Pixels to enlarge the boxes by; `sam`.")
    dino_debug: bool = Field(default=False, description="The boxes themselves as the mask; `sam`.")

    def options(self) -> MaskOptions:
        """Return the request as the tool's options."""
        return MaskOptions(**self.model_dump(exclude={"image", *(self.model_extra or {})}))


class UnloadResponse(BaseModel):
    """The outcome of an unload."""

    message: str = Field(description="The outcome in words.")
    freed_mb: float | None = Field(default=None, description="MiB of the memory the message names, where measured.")


DESCRIBE_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        **image_form(image_type={"type": "string", "enum": list(DESCRIBE_KINDS), "default": "Photo"}),
        "application/json": {"schema": DescribeRequest.model_json_schema()},
    },
}


def router(context: Context) -> APIRouter:
    """Return the router."""
    routes = APIRouter(tags=["tools"], route_class=JsonRoute)

    async def describe_image(
        request: Request,
        image_type: Annotated[
            str | None, Query(description="Here or in the body.", json_schema_extra={"enum": list(DESCRIBE_KINDS)})
        ] = None,
    ) -> DescribeResponse:
        """Describe an image in words, to be used as a prompt. Runs after the tasks queued before it."""
        tools = context.tools
        image, wanted = await _describe_body(request)
        kind = _describe_kind(wanted, image_type)
        with IMAGE_BUDGET.share() as share:
            picture = await run_in(INPUT_EXECUTOR, _read, context, request, image, share)
            return DescribeResponse(describe=await _answer(tools.describe(picture, kind), request))

    routes.add_api_route(
        "/v1/tools/describe-image",
        describe_image,
        methods=["POST"],
        summary="Describe an image",
        dependencies=[require_scope(Scope.GENERATE)],
        responses=responses(401, 413, 415, 422, 500, 503),
        openapi_extra={"requestBody": DESCRIBE_BODY},
        route_class_override=JsonOrFormRoute,
    )

    model = _mask_request(context)

    async def generate_mask(request: Request, body: Annotated[Any, Body()]) -> str:
        """Return a mask of an image, as the base64 of a PNG file: white marks what was found. Runs after the tasks queued before
        it."""
        tools = context.tools
        note_ignored(request, unknown_names(body.model_extra or {}, ()))
        if errors := list(_mask_errors(body, context.host.catalog)):
            raise InvalidFields(errors)
        with IMAGE_BUDGET.share() as share:
            picture = await run_in(INPUT_EXECUTOR, _read, context, request, body.image, share)
            mask = await _answer(tools.mask(picture, body.options()), request)
        return await asyncio.to_thread(_png, mask)

    generate_mask.__annotations__["body"] = Annotated[model, Body()]
    routes.post(
        "/v1/tools/generate_mask",
        summary="Make a mask",
        dependencies=[require_scope(Scope.GENERATE)],
        responses=responses(401, 422, 500, 503),
    )(generate_mask)

    async def unload(request: Request) -> Any:
        """Free the models' memory, after the tasks queued before it. The next task loads what it needs."""
        freed = await _answer(context.tools.unload(), request)
        return JSONResponse(_unloaded(freed).model_dump(exclude_none=True))

    options: dict[str, Any] = {
        "summary": "Free the models' memory",
        "response_model": UnloadResponse,
        "dependencies": [require_scope(Scope.ADMIN)],
        "responses": responses(401, 422, 500, 503),
    }
    routes.post("/v1/engine/unload", **options)(unload)
    routes.post("/v1/engine/unload/", include_in_schema=False, **options)(unload)
    return routes


# ------------------------------------------------------------------------- requests


async def _describe_body(request: Request) -> tuple[str | bytes | None, str | None]:
    """Return the image, as text or as a file's content, and the `image_type` of a JSON or form body."""
    if is_form(request):
        async with bounded_form(request) as form:
            image, image_type = form.get("image") or sent_image(form), form.get("image_type")
            content = await image.read() if isinstance(image, UploadFile) else image
            note_ignored(request, unknown_names(form, DescribeRequest.model_fields))
            return content, image_type if isinstance(image_type, str) else None
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Problem(415, f"{content_type} can't be read; send application/json or multipart/form-data")
    try:
        body = DescribeRequest.model_validate(await request.json() if await request.body() else None)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
    note_ignored(request, unknown_names(body.model_extra or {}, ()))
    return body.image, body.image_type


def _describe_kind(*image_types: str | None) -> DescribeKind:
    """Return the kind of the first given image type, `photo` if none is given.

    Raises:
        InvalidFields: one of the image types is unknown.
    """
    known = {name.lower(): kind for name, kind in DESCRIBE_KINDS.items()}
    given = [text for text in image_types if text is not None] or ["Photo"]
    for text in given:
        if text.strip().lower() not in known:
            message = f"{shortened(text)!r} is no image type"
            raise InvalidFields([FieldError(field="image_type", message=message, allowed=list(DESCRIBE_KINDS))])
    return known[given[0].strip().lower()]


def _mask_request(context: Context) -> type[MaskRequest]:
    """Return MaskRequest with the host's allowed values in its schema."""
    fields: dict[str, Any] = {}
    for name, kind in MaskRequest.CATALOGS.items():
        field = FieldInfo.merge_field_infos(MaskRequest.model_fields[name])

        def allowed(schema: dict[str, Any], kind: str = kind) -> None:
            schema["enum"] = context.host.catalog.names(kind)

        field.json_schema_extra = allowed
        fields[name] = (str, field)
    return create_model("MaskRequest", __base__=MaskRequest, __doc__=MaskRequest.__doc__, **fields)


def _mask_errors(body: MaskRequest, catalog: Catalog) -> Iterator[FieldError]:
    for field, kind in MaskRequest.CATALOGS.items():
        value, known = getattr(body, field), catalog.names(kind)
        if value not in known:
            message = f"{shortened(value)!r} is not one of the {kind.replace('_', ' ')}"
            yield FieldError(field=field, message=message, allowed=known)
    if body.mask_model == "sam":
        yield from sam_errors(
            ("dino_prompt_text", body.dino_prompt_text),
            ("box_threshold", body.box_threshold),
            boxes_only=body.dino_debug,
        )


def _read(context: Context, request: Request, image: str | bytes | None, share: Reservation) -> Picture:
    """Return an image's pixels, whichever way it was sent, and reserve memory for them. Off the event loop."""
    picture = _pixels(context, request, image)
    share.take(picture.nbytes)
    return picture


def _pixels(context: Context, request: Request, image: str | bytes | None) -> Picture:
    if isinstance(image, bytes):
        if len(image) > MAX_BYTES:
            raise Problem(413, f"the image is too large: at most {MAX_BYTES // 2**20} MiB are allowed")
        try:
            return read_rgb(image)
        except NotAnImage as error:
            raise InvalidFields([FieldError(field="image", message=f"is {error}")]) from error
    resolver = ImageResolver(context, request.headers.get("host"), may_see=may_see_image(context, request))
    reference = resolver.resolve("image", image, context.urls(request))
    if reference is None:
        raise InvalidFields([FieldError(field="image", message="is missing")])
    return resolver.read(reference)


# -------------------------------------------------------------------------- answers


async def _answer(future: Future[T], request: Request) -> T:
    """Return the future's result. If the client disconnects first, cancel the future.

    Raises:
        Problem: 503 if the client disconnected, 500 if the tool failed.
    """
    answered = asyncio.wrap_future(future)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((answered, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            raise Problem(503, "the client went away")  # the response is never read
        return answered.result()
    except ToolFailed as failure:
        error = {"type": failure.error.type, "message": failure.error.message}
        raise Problem(500, f"Fooocus failed: {failure}", error=error) from failure
    finally:
        answered.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _png(mask: Picture) -> str:
    buffer = io.BytesIO()
    PILImage.fromarray(mask).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _unloaded(done: Unloaded) -> UnloadResponse:
    if done.freed is None:
        return UnloadResponse(message="The models are unloaded.")
    mib = round(done.freed / 2**20, 1)
    return UnloadResponse(message=f"The models are unloaded: {mib} MiB of {done.device} freed.", freed_mb=mib)
