"""`/v1/tools/generate_mask`: makes a mask of what an image shows."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Body, Request
from PIL import Image as PILImage
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from ....asgi.error_codes import FieldErrorCode
from ....auth.keys import Scope
from ....tasks.ports.tools import MaskOptions, Picture
from ...context import Catalog, Context
from ...executors import INPUT_EXECUTOR, run_in
from ...images.tool_pictures import IMAGE, picture_of
from ...requests.json_body import JsonRoute, free_body
from ...requests.memory_budget import IMAGE_BUDGET
from ...requests.parameter_names import note_ignored, unknown_names
from ...responses.problems import FieldError, InvalidFields, responses
from ...results.tool_results import tool_result
from ...security.authorization import require_scope
from ...validation.nearest_names import unknown
from ...validation.validation import SAM_BOX_THRESHOLD, sam_errors
from .nodes import NodeName, tools_at


class MaskRequest(BaseModel):
    """An image, and the object that its mask covers."""

    CATALOGS: ClassVar[dict[str, str]] = {
        "mask_model": "mask_models",
        "cloth_category": "cloth_categories",
        "sam_model": "sam_models",
    }

    model_config = ConfigDict(extra="allow")

    image: str = Field(min_length=1, description=IMAGE)
    mask_model: str = Field(default="isnet-general-use", description="The model that detects the object.")
    cloth_category: str = Field(default="full", description="The clothes to detect, with mask model `u2net_cloth_seg`.")
    dino_prompt_text: str = Field(default="", description="The object to detect; required by mask model `sam`.")
    sam_model: str = Field(default="vit_b", description="The size of the model `sam`.")
    box_threshold: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description=f"Minimum confidence of a detected box; only `sam`, from {SAM_BOX_THRESHOLD}.",
    )
    text_threshold: float = Field(
        default=0.25, ge=0, le=1, description="Minimum confidence that an object matches the text; only `sam`."
    )
    sam_max_detections: int = Field(
        default=0, ge=0, le=10, description="Maximum number of detections, 0 for all; only `sam`."
    )
    dino_erode_or_dilate: int = Field(default=0, ge=-64, le=64, description="Pixels to grow the boxes by; only `sam`.")
    dino_debug: bool = Field(default=False, description="Use the boxes themselves as the mask; only `sam`.")

    def options(self) -> MaskOptions:
        """Return the request as the tool's options."""
        return MaskOptions(**self.model_dump(exclude={"image", *(self.model_extra or {})}))


def router(context: Context) -> APIRouter:
    """Return the router."""
    routes = APIRouter(tags=["tools"], route_class=JsonRoute)

    model = _mask_request(context)

    async def generate_mask(request: Request, body: Annotated[Any, Body()], node: NodeName = None) -> str:
        """Return a mask of an image, as base64 of a PNG: white marks the object. Runs after the tasks queued before it."""
        tools = await tools_at(context, node)
        note_ignored(request, unknown_names(body.model_extra or {}, ()))
        if errors := list(_mask_errors(body, context.host.catalog)):
            raise InvalidFields(errors)
        with IMAGE_BUDGET.reservation() as reservation:
            picture = await run_in(INPUT_EXECUTOR, picture_of, context, request, body.image, reservation)
            options = body.options()
            free_body(request, body)
            mask = await tool_result(partial(tools.mask, picture, options), request)
        return await asyncio.to_thread(_png, mask)

    generate_mask.__annotations__["body"] = Annotated[model, Body()]
    routes.post(
        "/v1/tools/generate_mask",
        summary="Make a mask",
        dependencies=[require_scope(Scope.GENERATE)],
        responses=responses(401, 422, 429, 500, 503),
    )(generate_mask)

    return routes


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
            message = unknown(kind, value)
            yield FieldError(field=field, code=FieldErrorCode.UNKNOWN_VALUE, message=message, allowed=known)
    if body.mask_model == "sam":
        yield from sam_errors(
            ("dino_prompt_text", body.dino_prompt_text),
            ("box_threshold", body.box_threshold),
            boxes_only=body.dino_debug,
        )


def _png(mask: Picture) -> str:
    buffer = io.BytesIO()
    PILImage.fromarray(mask).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
