"""`extra-single-image` and `extra-batch-images`: enlarges images without a prompt."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from PIL import Image as PILImage
from pydantic import BaseModel, ConfigDict, Field

from .....asgi.error_codes import FieldErrorCode
from .....asgi.surfaces.surface import Surface
from .....auth.keys import Scope
from .....images.views.sizes import MAX_SIDE
from ....context import Context
from ....executors import CONVERSION_EXECUTOR, INPUT_EXECUTOR, run_in
from ....images.large_answers import AnswerMemory
from ....requests.memory_budget import IMAGE_BUDGET, Reservation
from ....requests.parameter_names import note_ignored
from ....responses.problems import invalid_field
from ....results.ended import ended
from ....schemas.generate import CommonRequest
from ....security.authorization import access_of, require_scope
from ...answers import contents
from ...submission import Translated, submit
from ..generation.bodies import IMAGE
from ..generation.values import Flag, Name, Number, Text, Whole, clamped
from ..jobs import Job, Jobs
from ..names.upscalers import FOOOCUS, NEAREST, NONE, UPSCALERS, upscaler_named
from ..pictures import BYTES_OF_PIXEL, CROP, SentImages, Size, as_png, check_total, fitted
from ..routing import A1111Route, json_response, refusals, renamed

EXTRAS = "extras"
"""The name of the job."""
UPSCALE = "Upscale (Fast 2x)"
FACTOR = 2
MAX_PASSES = 2
MAX_BATCH = 32
TO_SIZE = 1
"""Value of `resize_mode`: to a width and a height, not by a factor."""
INFO = "<div></div>"
NAMES = {"uov_input_image": "image", "uov_method": "upscaler_1"}
FACES = ("gfpgan_visibility", "codeformer_visibility")


class ExtrasBody(BaseModel):
    """The options for enlarging."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    resize_mode: Whole = Field(default=0, description="0 enlarges by a factor, 1 to a width and a height.")
    upscaling_resize: Number = Field(default=2.0, description="The factor, up to 8.")
    upscaling_resize_w: Whole = Field(default=512, description=f"The width, up to {MAX_SIDE}.")
    upscaling_resize_h: Whole = Field(default=512, description=f"The height, up to {MAX_SIDE}.")
    upscaling_crop: Flag = Field(default=True, description="Crop to the width and height; else the image fits inside.")
    upscaler_1: Name = Field(default=NONE, description="A name of `GET /sdapi/v1/upscalers`; others are Fooocus's own.")


class SingleBody(ExtrasBody):
    """An image to be enlarged."""

    image: Text = Field(description=IMAGE)


class BatchImage(BaseModel):
    """One image of several."""

    data: Text = Field(description=IMAGE)
    name: Text = Field(default="", description="Without effect.")


class BatchBody(ExtrasBody):
    """Images to be enlarged."""

    imageList: list[BatchImage] = Field(description="The images, at most 32.", min_length=1, max_length=MAX_BATCH)


class SingleResponse(BaseModel):
    """The enlarged image."""

    html_info: str = Field(default=INFO, description="Without content.")
    image: str = Field(description="The image as base64 of a PNG.")


class BatchResponse(BaseModel):
    """The enlarged images."""

    html_info: str = Field(default=INFO, description="Without content.")
    images: list[str] = Field(description="The images as base64 of PNGs.")


@dataclass(frozen=True)
class Sent:
    """An image of a request: the member that errors name, its file, the size that it shall have, and how often it is doubled."""

    field: str
    content: bytes
    final: Size
    passes: int


class _Enlarging:
    """The enlarging of one request's images."""

    def __init__(self, context: Context, model: type[CommonRequest], request: Request, job: Job) -> None:
        self._context = context
        self._model = model
        self._request = request
        self._job = job
        self._upscaler = NONE

    async def enlarged(self, body: ExtrasBody, texts: Mapping[str, str], memory: AnswerMemory) -> list[bytes]:
        """Return the images in their new sizes as PNGs. All are checked before the first one is enlarged. Once the job is
        interrupted, no further one begins.

        Args:
            texts: member of the request → the image in it.
            memory: holds the images until the answer with them is sent.
        """
        self._upscaler = upscaler_named(body.upscaler_1)
        with IMAGE_BUDGET.reservation() as reservation:
            sent = await run_in(INPUT_EXECUTOR, self._read, body, texts, reservation)
            self._job.expect(count=len(sent), parts=sum(one.passes for one in sent))
            made: list[bytes] = []
            for index, one in enumerate(sent):
                if made and self._job.interrupted:
                    break
                content = one.content
                for number in range(one.passes):
                    if self._job.interrupted:
                        break
                    content = await self._pass(content, one.field, f"/{index}/{number}")
                made.append(memory.hold(await run_in(INPUT_EXECUTOR, self._resized, one, content, body)))
        return made

    async def _pass(self, content: bytes, field: str, part: str) -> bytes:
        values = {
            "uov_input_image": await run_in(INPUT_EXECUTOR, _as_text, content),
            "uov_method": UPSCALE,
            "output_format": "png",
            "image_number": 1,
        }
        translated = Translated(values, [await self._request.json(), part])
        with renamed({**NAMES, "uov_input_image": field}):
            task = await submit(translated, Surface.A1111, self._context, self._request, self._model, part=part)
        self._job.task_ids.append(task.task_id)
        if self._job.interrupted:  # while it was submitted
            await self._context.services.tasks.stop(task.task_id)
        task = await ended(self._context.services, task, {})
        found = await contents(self._context, task, None)
        return found[0] if found else content  # interrupted before there was one

    def _read(self, body: ExtrasBody, texts: Mapping[str, str], reservation: Reservation) -> list[Sent]:
        """Return the images, whose files the reservation has."""
        images = SentImages(self._context, self._request, reservation)
        found: list[Sent] = []
        for field, text in texts.items():
            content = images.content(field, text)
            if content is None:
                raise invalid_field(field, FieldErrorCode.REQUIRED, "is required")
            reservation.grow(len(content))
            size = images.size(field, content)
            final = size if self._upscaler == NONE else _final_size(body, size)
            found.append(Sent(field, content, final, _passes(size, final) if self._upscaler == FOOOCUS else 0))
            check_total(field, sum(one.final[0] * one.final[1] for one in found))
        for one in found if len(found) > 1 and self._upscaler == FOOOCUS else ():
            with IMAGE_BUDGET.reservation() as decoded:  # a broken file shall not be found after others were enlarged
                SentImages(self._context, self._request, decoded).picture(one.field, one.content)
        return found

    def _resized(self, sent: Sent, content: bytes, body: ExtrasBody) -> bytes:
        size = sent.final
        with IMAGE_BUDGET.reservation() as reservation:
            images = SentImages(self._context, self._request, reservation)
            picture = images.picture(sent.field, content, transparent=True)
            if self._upscaler == NEAREST:
                reservation.grow(size[0] * size[1] * BYTES_OF_PIXEL)
                return as_png(picture.resize(size, PILImage.Resampling.NEAREST))
            return as_png(fitted(picture, size, reservation, CROP if body.upscaling_crop else 0))


def router(context: Context, model: type[CommonRequest], jobs: Jobs) -> APIRouter:
    """Return the router; `model` is that of a generate request on the running host."""
    routes = APIRouter(tags=["images"], route_class=A1111Route)
    options: dict[str, Any] = {
        "responses": refusals(404, 413, 500),
        "dependencies": [require_scope(Scope.GENERATE)],
    }

    async def extra_single_image(request: Request, body: Annotated[SingleBody, Body()]) -> Response:
        """Enlarge an image: with Fooocus's upscaler up to fourfold, beyond that and with `Lanczos` or `Nearest` by scaling."""
        _ = context.services
        _note(body, request)
        memory = AnswerMemory()
        with jobs.open(access_of(request).source, EXTRAS) as job:
            images = await _Enlarging(context, model, request, job).enlarged(body, {"image": body.image}, memory)
        return memory.held_by(await run_in(CONVERSION_EXECUTOR, _single, images))

    async def extra_batch_images(request: Request, body: Annotated[BatchBody, Body()]) -> Response:
        """Enlarge several images as `extra-single-image` does."""
        _ = context.services
        _note(body, request)
        memory = AnswerMemory()
        with jobs.open(access_of(request).source, EXTRAS) as job:
            texts = {f"imageList[{index}].data": item.data for index, item in enumerate(body.imageList)}
            images = await _Enlarging(context, model, request, job).enlarged(body, texts, memory)
        return memory.held_by(await run_in(CONVERSION_EXECUTOR, _several, images))

    routes.post("/sdapi/v1/extra-single-image", summary="Enlarge an image", response_model=SingleResponse, **options)(
        extra_single_image
    )
    routes.post("/sdapi/v1/extra-batch-images", summary="Enlarge images", response_model=BatchResponse, **options)(
        extra_batch_images
    )
    return routes


def _single(images: list[bytes]) -> Response:
    return json_response(SingleResponse(image=_as_text(images[0])))


def _several(images: list[bytes]) -> Response:
    return json_response(BatchResponse(images=[_as_text(image) for image in images]))


def _as_text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _final_size(body: ExtrasBody, size: Size) -> Size:
    """Return the size of the enlarged image.

    Raises:
        InvalidFields: a side is too long.
    """
    wanted = body.upscaling_resize_w, body.upscaling_resize_h
    if body.resize_mode == TO_SIZE and min(wanted) > 0:
        scale = min(wanted[0] / size[0], wanted[1] / size[1])
        final = wanted if body.upscaling_crop else (round(size[0] * scale), round(size[1] * scale))
        field = "upscaling_resize_w" if final[0] >= final[1] else "upscaling_resize_h"
    else:
        factor, field = clamped(body.upscaling_resize, 0.05, 8), "upscaling_resize"
        final = round(size[0] * factor), round(size[1] * factor)
    final = max(final[0], 1), max(final[1], 1)
    if max(final) > MAX_SIDE:
        message = f"would give {final[0]}x{final[1]} pixels; at most {MAX_SIDE} per side are allowed"
        raise invalid_field(field, FieldErrorCode.OUT_OF_RANGE, message)
    return final


def _passes(size: Size, final: Size) -> int:
    """Return how often the image is doubled before it is scaled to the final size."""
    factor = max(final[0] / size[0], final[1] / size[1])
    return min(max(math.ceil(math.log(factor, FACTOR) - 0.01), 0), MAX_PASSES) if factor > 0 else 0


def _note(body: ExtrasBody, request: Request) -> None:
    """Name the members without an effect: the restoration of faces, a second upscaler, and another host's upscaler."""
    extra = body.model_extra or {}
    names = [name for name in FACES if extra.get(name)]
    if extra.get("extras_upscaler_2_visibility") and extra.get("upscaler_2") not in (None, "", NONE):
        names.append("upscaler_2")
    written = (body.upscaler_1 or NONE).strip().casefold()
    if written and written not in [name.casefold() for name in UPSCALERS]:
        names.append("upscaler_1")
    note_ignored(request, names)
