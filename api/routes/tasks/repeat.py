"""`POST /tasks/{task_id}/repeat`: generates a task, or one of its images, again."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ....auth.keys import Scope
from ....tasks.model.task import Task
from ....tasks.repeats.comparison import Difference
from ....tasks.service import WrongStatus
from ...context import Context
from ...repeats.bodies import Repeater, Repetition
from ...requests.acceptance import Origin
from ...requests.fields.ignored import unknown_fields
from ...requests.headers.prefer import preference_of
from ...requests.json_body import JsonRoute
from ...requests.parameter_names import note_ignored
from ...responses.problems import FieldError, InvalidFields, Problem, invalid_field, responses
from ...schemas.generate import CommonRequest
from ...schemas.own_data import OF_A_SUBMISSION
from ...schemas.task import REPEATS, RecordResponse
from ...security.authorization import require_scope, visible_task
from ..generation.documentation import IDEMPOTENCY, IDEMPOTENCY_SCHEMA, PREFER, generation_responses
from ..generation.route import GenerationResponder
from .tasks import TaskId

DESCRIPTION = """Generates an ended task again, of any source, with the same parameters: seed, models, styles, images, and the
random state at the first encoding of an image. The members of the body, which may be absent, are fields of
`POST /v1/engine/generate` that replace the task's own; those of the response and the queue (`stream_output`, `async_process`,
`webhook_url`, `priority`, `require_base64`), `tags` and `client_data` begin with their defaults. The answer has the forms of
`POST /v1/engine/generate`; the new record's `repeats` says whether the same pixels are expected."""
CHANGED = Difference("changed", "the request changes fields of the task")
WITHOUT_PIXELS = OF_A_SUBMISSION | {
    *("save_name", "save_metadata_to_images", "metadata_scheme", "disable_preview", "disable_intermediate_results")
}
"""Fields that change no pixels."""


class RepeatRoute(JsonRoute):
    """The route of repetitions. It rejects unknown parameters: `img=1` would generate all images in place of one."""

    is_strict = True


def router(context: Context, model: type[CommonRequest]) -> APIRouter:
    """Return the router; `model` is the request model of the running host."""
    routes = APIRouter(tags=["tasks"], route_class=RepeatRoute, dependencies=[require_scope(Scope.GENERATE)])

    async def repeat(
        request: Request,
        task_id: TaskId,
        image: Annotated[
            int | None,
            Query(ge=0, description="The position in the record's `images`, from 0, of the only image to repeat."),
        ] = None,
        body: Annotated[
            dict[str, Any] | None,
            Body(description="Fields of a generate request that differ.", examples=[{"image_seed": -1}]),
        ] = None,
        idempotency_key: Annotated[
            str | None, Header(description=IDEMPOTENCY, json_schema_extra=IDEMPOTENCY_SCHEMA)
        ] = None,
        prefer: Annotated[str | None, Header(description=PREFER)] = None,
    ) -> Response:
        """Repeat a task."""
        task = await visible_task(context, request, task_id)
        changes = body or {}
        wanted, origin = await asyncio.to_thread(_prepared, context, model, task, image, changes)
        responder = GenerationResponder(
            context.services, context, request, preference_of(request.headers.getlist("prefer"))
        )
        note_ignored(request, (one.path for one in unknown_fields(wanted)))
        return await responder.respond(wanted, idempotency_key, origin)

    routes.post(
        "/tasks/{task_id}/repeat",
        summary="Repeat a task",
        description=DESCRIPTION,
        response_model=RecordResponse,
        responses={**responses(404), **generation_responses()},
    )(repeat)
    return routes


def _prepared(
    context: Context, model: type[CommonRequest], task: Task, image: int | None, changes: dict[str, Any]
) -> tuple[CommonRequest, Origin]:
    """Return the request, and what it repeats. Off the event loop.

    Raises:
        InvalidFields: a change is invalid, a model is missing, or the task has no such image.
        Problem: 409, an input image was deleted.
        RequestValidationError: a change has another type.
        WrongStatus: the task has not ended.
    """
    if not task.status.is_terminal:
        raise WrongStatus(f"task {task.task_id} is {task.status.value}; repeat it once it has ended")
    if image is not None and image >= len(task.images):
        message = f"task {task.task_id} has {len(task.images)} images; they count from 0"
        raise invalid_field("image", FieldErrorCode.OUT_OF_RANGE, message)
    repeater = Repeater(context, task)
    repetition = _repetition(repeater, image, changes)
    try:
        wanted = model.model_validate({**repetition.body, **changes})
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
    # Only names that the task was accepted with become paths. Those of the request are looked up in the host's lists.
    own = {name: value for name, value in repetition.body.items() if name not in changes}
    _require_inputs(repeater.missing_inputs(own))
    _require_models(context, own)
    differences = [*repetition.differences, *([CHANGED] if _changes_pixels(model, repetition, wanted) else [])]
    note = {
        "task_id": task.task_id,
        "image": image,
        "exact": not differences,
        "differences": [asdict(one) for one in differences],
    }
    return wanted, Origin({"repeats": task.task_id, "image": image, "changes": changes}, {REPEATS: note})


def _repetition(repeater: Repeater, image: int | None, changes: dict[str, Any]) -> Repetition:
    as_logged = WITHOUT_PIXELS.issuperset(changes)  # a change applies to the original prompt
    return repeater.whole() if image is None else repeater.image(image, as_logged=as_logged)


def _require_inputs(missing: list[str]) -> None:
    """Raise the 409 for input images of the task that no longer exist."""
    if missing:
        names = ", ".join(missing)
        message = f"images of the task were deleted: {names}; send others in their fields"
        raise Problem(ErrorCode.INPUTS_DELETED, message, missing=missing)


def _require_models(context: Context, own: dict[str, Any]) -> None:
    """Raise the 422 for model files of the task that no longer exist, though the host may still list them."""
    missing = context.services.repeats.missing_models(own)
    if missing:
        raise InvalidFields(
            FieldError(
                field=one.field,
                code=FieldErrorCode.UNKNOWN_VALUE,
                message=f"model file {one.name!r} does not exist any more; name another, or restore the file",
            )
            for one in missing
        )


def _changes_pixels(model: type[CommonRequest], repetition: Repetition, wanted: CommonRequest) -> bool:
    """Return whether a request differs from the task's own in a field that changes pixels."""
    try:
        own = model.model_validate(repetition.body)
    except ValidationError:  # the task's own values are invalid today, and the request replaces them
        return True
    return any(getattr(own, name) != getattr(wanted, name) for name in model.model_fields if name not in WITHOUT_PIXELS)
