"""`POST /v1/images/generations`, `/v1/images/edits` and `/v1/images/variations`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ....asgi.problem import problem_response, shortened
from ....asgi.surfaces.surface import NOT_IMAGES, Surface
from ....asgi.types import path_of
from ....auth.keys import Scope
from ....tasks.model.task import Task
from ....tasks.ports.engine import ParameterError
from ...context import Context
from ...executors import INPUT_EXECUTOR, run_in
from ...requests.json_body import JsonOrFormRoute, free_body
from ...responses.problems import FieldError, InvalidFields
from ...schemas.generate import CommonRequest
from ...security.authorization import require_scope
from ...security.event_streams import event_stream
from ...validation.sizes import FIELDS as SIZE_FIELDS
from ..submission import Translated, submit
from . import models
from .answers import ImagesResponse, Wanted, headers_of, images_response
from .bodies import EditBody, GenerationBody, ImagesBody, StreamedBody, VariationBody, body_of
from .documentation import EDIT, GENERATION, HEADERS, VARIATION, error_responses, stream_content
from .fields import Fields, fields_of, is_sized_natively, planned_size, renamed
from .forms import Sent, members_of, sent_pictures
from .pictures import NAMES, STRONG, SUBTLE, edit_of
from .streams import EDIT as EDITED
from .streams import GENERATION as GENERATED
from .streams import ImageStream, StreamEvent

STATUSES = (400, 401, 403, 409, 413, 415, 429, 500, 503)
METHOD = "uov_method"
OWN_PATH = "/v1/images/generations"


def routers(context: Context, model: type[CommonRequest]) -> Iterable[APIRouter]:
    """Return the routers of OpenAI's API; `model` is the request model of the running host."""
    return [_images(Translation(context, model)), models.router(), _not_images()]


def _images(translation: Translation) -> APIRouter:
    routes = APIRouter(tags=["images"], route_class=JsonOrFormRoute, dependencies=[require_scope(Scope.GENERATE)])

    async def generate(request: Request) -> Response:
        """Generate images."""
        return await translation.response(request, await translation.generation(request), GENERATED)

    async def edit(request: Request) -> Response:
        """Edit images: within a mask by inpainting, without one by varying the first image."""
        return await translation.response(request, await translation.edit(request, EditBody), EDITED)

    async def vary(request: Request) -> Response:
        """Vary an image subtly."""
        return await translation.response(request, await translation.edit(request, VariationBody), EDITED)

    whole: dict[int | str, dict[str, Any]] = {200: {"headers": HEADERS}}
    streamed: dict[int | str, dict[str, Any]] = {200: {"headers": HEADERS, "content": stream_content(StreamEvent)}}
    for path, route, summary, content, answer in (
        ("generations", generate, "Generate images", GENERATION, streamed),
        ("edits", edit, "Edit images", EDIT, streamed),
        ("variations", vary, "Vary an image", VARIATION, whole),
    ):
        routes.post(
            f"/v1/images/{path}",
            summary=summary,
            response_model=ImagesResponse,
            responses={**error_responses(*STATUSES), **answer},
            openapi_extra=content,
        )(route)
    return routes


def _not_images() -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    async def refuse(request: Request) -> Response:
        """Refuse a request for something other than images."""
        path = shortened(path_of(request.scope))
        detail = f"path {path} does not exist: this server generates images alone; use {OWN_PATH} of the same address"
        return problem_response(ErrorCode.PATH_NOT_FOUND, detail, nearest=OWN_PATH)

    for path in NOT_IMAGES:
        routes.api_route(f"{path}{{below:path}}", methods=["DELETE", "GET", "POST"])(refuse)
    return routes


@dataclass(frozen=True)
class Accepted:
    """An accepted task, and what the response to its request needs: the body, which may be large, is freed while it waits.

    `previews` is the number of previews in a stream, None if the response is no stream.
    """

    task: Task
    wanted: Wanted
    previews: int | None

    @classmethod
    def of(cls, body: ImagesBody, task: Task, size: tuple[int, int] | None) -> Accepted:
        """Return the task of a body, with the size of the images in the response if it is not theirs."""
        previews = (body.partial_images or 0) if isinstance(body, StreamedBody) and body.stream else None
        return cls(task, Wanted.of(body, size), previews)


class Translation:
    """Requests of OpenAI's API as tasks, and tasks as its responses."""

    def __init__(self, context: Context, model: type[CommonRequest]) -> None:
        self._context = context
        self._model = model

    async def generation(self, request: Request) -> Accepted:
        """Return the accepted task of a request to generate.

        Raises:
            Problem: the request is refused.
        """
        members = await members_of(request)
        body = body_of(GenerationBody, members)
        fields, values, asked = await run_in_threadpool(self._generation, body)
        translated = Translated(values, members, asked, ignored=fields.ignored)
        return Accepted.of(body, await self._submitted(translated, fields, request), asked)

    def _generation(self, body: GenerationBody) -> tuple[Fields, dict[str, Any], tuple[int, int] | None]:
        fields = _with_prompt(body, fields_of(body, self._context, self._model))
        plan = planned_size(body, fields, self._context)
        if plan is None:
            return _without_size(body, fields), fields.values, None
        fields = replace(fields, names={**fields.names, **dict.fromkeys(SIZE_FIELDS, "size")})
        return fields, {**fields.values, **plan.fields}, plan.view

    async def edit(self, request: Request, kind: type[EditBody | VariationBody]) -> Accepted:
        """Return the accepted task of a request with pictures.

        Raises:
            Problem: the request is refused.
        """
        async with sent_pictures(request, self._context) as sent:
            body = body_of(kind, sent.members)
            fields, values, size = await run_in(INPUT_EXECUTOR, self._edit, body, sent)
            translated = Translated(values, sent.content, size, ignored=fields.ignored)
            return Accepted.of(body, await self._submitted(translated, fields, request), size)

    def _edit(
        self, body: EditBody | VariationBody, sent: Sent
    ) -> tuple[Fields, dict[str, Any], tuple[int, int] | None]:
        fields = _with_prompt(body, fields_of(body, self._context, self._model))
        plan = planned_size(body, fields, self._context)
        fidelity = body.input_fidelity if isinstance(body, EditBody) else None
        method = SUBTLE if fidelity == "high" or isinstance(body, VariationBody) else STRONG
        edit = edit_of(sent.pictures, method, self._context)
        ignored = ("input_fidelity",) if fidelity is not None and edit.is_masked else ()
        names = {name: other for name, other in NAMES.items() if name in edit.values}
        fields = replace(fields, names={**names, **fields.names}, ignored=(*fields.ignored, *ignored))
        values = {**edit.values, **fields.values}
        if plan is not None:
            return fields, values, plan.view or plan.generated
        # An upscale in a field of Fooocus's own shall not be undone.
        size = edit.size if METHOD not in fields.values and not is_sized_natively(fields) else None
        return _without_size(body, fields), values, size

    async def _submitted(self, translated: Translated, fields: Fields, request: Request) -> Task:
        """Return the accepted task of a request. Errors name the client's own fields."""
        try:
            return await submit(translated, Surface.OPENAI, self._context, request, self._model)
        except InvalidFields as error:
            raise InvalidFields(renamed(one, fields.names) for one in error.errors) from error
        except ParameterError as error:
            if error.field is None:
                raise
            own = FieldError(field=error.field, code=FieldErrorCode.REFUSED, message=str(error))
            raise InvalidFields([renamed(own, fields.names)]) from error

    async def response(self, request: Request, accepted: Accepted, kind: str) -> Response:
        """Return the response to a request whose task was accepted: a stream, or the images once the task has ended."""
        free_body(request)
        task, wanted = accepted.task, accepted.wanted
        if accepted.previews is not None:
            stream = ImageStream(self._context, task, wanted, kind, accepted.previews)
            return event_stream(request, Scope.GENERATE, stream.events, headers_of(task))
        return await images_response(self._context, request, task, wanted)


def _with_prompt(body: ImagesBody, fields: Fields) -> Fields:
    """Return the fields of a request, after a check that its prompt is not blank.

    Raises:
        InvalidFields: the prompt is blank.
    """
    if isinstance(body, StreamedBody) and not body.prompt.strip():
        message = "is empty; describe the image"
        raise InvalidFields([FieldError(field="prompt", code=FieldErrorCode.TOO_SHORT, message=message)])
    return fields


def _without_size(body: ImagesBody, fields: Fields) -> Fields:
    """Return the fields of a request without a plan for its size, which is ignored if it is not `auto`."""
    if body.size is None or body.size.lower() == "auto":
        return fields
    return replace(fields, ignored=(*fields.ignored, "size"))
