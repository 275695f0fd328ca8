"""`POST /v1/engine/generate`: one request, answered in one of four ways."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Body, Header, Request
from fastapi.responses import JSONResponse, Response

from ....asgi.error_codes import ErrorCode
from ....auth.keys import Scope
from ....images.codecs.conversion import CannotConvert
from ....tasks.build import TaskServices
from ....tasks.model.task import Task
from ....tasks.ports.engine import EngineUnavailable
from ...context import Context
from ...executors import CONVERSION_EXECUTOR, run_in
from ...images.large_answers import AnswerFiles
from ...images.output_files import image_bytes, read_output
from ...requests.acceptance import Origin, submit_request
from ...requests.fields.ignored import unknown_fields
from ...requests.headers.prefer import Preference, preference_of
from ...requests.json_body import JsonRoute, free_body
from ...requests.parameter_names import note_ignored
from ...responses.images import MEDIA_TYPES, accepted_format, not_convertible, not_readable
from ...responses.problems import Problem
from ...results.ended import ended, naming
from ...schemas.generate import CommonRequest
from ...schemas.task import RecordResponse, record_of
from ...security.authorization import require_scope
from ...security.event_streams import event_stream
from .documentation import IDEMPOTENCY, IDEMPOTENCY_SCHEMA, PREFER, generation_responses
from .progress_stream import progress_of

DESCRIPTION = """Generates images. The first of these that applies determines the form of the response:

1. `Accept: image/png`, `image/jpeg`, `image/jpg` or `image/webp`: the image itself (`image_number` is 1).
2. `stream_output: true`: server-sent events `{"progress", "preview", "message", "images"}`, with `queue_position` and
   `eta_seconds` until the task has ended. The last message is `Finished`; a failed task ends with an event named `error`.
3. `async_process: true`: the record at once, with `task_status: "pending"`. Poll `GET /tasks/{task_id}` for the result.
4. Otherwise: the record when the task has ended.

`Prefer: respond-async` returns 202 with the pending record at once. `Prefer: wait=N` waits up to N seconds for the result and
returns 202 if it is not ready; use it behind proxies that close silent connections. `Location` is the URL of the record. A 202
is always the record as JSON, regardless of `Accept`, as no image exists yet: distinguish the two by the status or by
`Content-Type`. When the task has ended, the same request with its `Idempotency-Key` returns the image.

An image that exceeds the limit of its format (WebP: 16383 pixels per side, JPEG: 65500) is answered with 406. If the size is
known beforehand, nothing is generated, and an `output_format` that can't hold the image is rejected with 422.

If the client disconnects, the task continues and its result is saved."""

DEFAULT_RETRY_AFTER_S = 5
"""`Retry-After` in seconds for a task whose remaining time is unknown."""
MAX_RETRY_AFTER_S = 60
EXAMPLE = {"prompt": "a cat by the lake at sunset"}


def router(context: Context, model: type[CommonRequest]) -> APIRouter:
    """Return the router; `model` is the request model of the running host."""
    routes = APIRouter(tags=["generate"], route_class=JsonRoute, dependencies=[require_scope(Scope.GENERATE)])

    async def generate(
        request: Request,
        body: Annotated[Any, Body()],
        idempotency_key: Annotated[
            str | None, Header(description=IDEMPOTENCY, json_schema_extra=IDEMPOTENCY_SCHEMA)
        ] = None,
        prefer: Annotated[str | None, Header(description=PREFER)] = None,
    ) -> Response:
        """Generate images."""
        responder = GenerationResponder(
            context.services, context, request, preference_of(request.headers.getlist("prefer"))
        )
        note_ignored(request, (one.path for one in unknown_fields(body)))
        return await responder.respond(body, idempotency_key)

    examples: dict[str, Any] = {
        "A prompt, with Fooocus's defaults for the rest": {"value": EXAMPLE},
        "Every field with its default": {"value": {**model().model_dump(), **EXAMPLE}},
    }
    generate.__annotations__["body"] = Annotated[model, Body(openapi_examples=examples)]
    options: dict[str, Any] = {
        "summary": "Generate images",
        "description": DESCRIPTION,
        "response_model": RecordResponse,
        "responses": generation_responses(),
    }
    routes.post("/v1/engine/generate/", **options)(generate)
    routes.post("/v1/engine/generate", include_in_schema=False)(generate)
    return routes


class GenerationResponder:
    """Submits a generate request and answers it in the form that the client asked for."""

    def __init__(
        self, services: TaskServices, context: Context, request: Request, preference: Preference | None
    ) -> None:
        self.services = services
        self.context = context
        self.urls = context.urls(request)
        self.request = request
        self.read = read_output(context)
        self.accept = accepted_format(request.headers.get("accept"))
        self.preference = preference

    async def respond(self, body: CommonRequest, idempotency_key: str | None, origin: Origin | None = None) -> Response:
        if origin is None:
            origin = Origin(await self.request.json())  # parsed before the route was called
        is_stream, is_async = body.stream_output, body.async_process
        submission = await submit_request(
            body, self.context, self.request, origin, idempotency_key=idempotency_key, image_format=self.accept
        )
        free_body(self.request, body)
        task = submission.task
        headers = {"X-Task-Id": task.task_id, "Location": self.urls.task(task.task_id)}
        if submission.is_replay:
            headers["Idempotency-Replayed"] = "true"
        if self.accept is None and is_stream:
            messages = partial(progress_of, task, self.services, self.urls, self.read)
            return event_stream(self.request, Scope.GENERATE, messages, headers)
        if self.accept is None and is_async:
            return await self._json(task, headers)
        if self.preference is not None:
            headers["Preference-Applied"] = self.preference.applied
            with naming(task, headers):
                has_ended = await self._has_ended(task, self.preference.wait)
                present = task if has_ended else await self.services.tasks.get(task.task_id)
            if not has_ended:
                return await self._accepted(present, headers)
        if self.accept is not None:
            return await self._image(task, self.accept, headers)
        return await self._record(task, headers)

    async def _has_ended(self, task: Task, seconds: float) -> bool:
        """Return whether the task has ended or ends within `seconds`."""
        if task.status.is_terminal:
            return True
        with suppress(EngineUnavailable), anyio.move_on_after(seconds):  # the host disarms asyncio's own limit
            await self.services.tasks.wait(task.task_id)
            return True
        return False

    async def _record(self, task: Task, headers: dict[str, str]) -> Response:
        return await self._json(await ended(self.services, task, headers), headers)

    async def _accepted(self, task: Task, headers: dict[str, str]) -> Response:
        """Answer 202 with the record, and in `Retry-After` the seconds after which to ask again."""
        outlook = await asyncio.to_thread(self.services.eta.outlook, task)
        eta = outlook.eta_seconds
        after = DEFAULT_RETRY_AFTER_S if eta is None else min(max(math.ceil(eta), 1), MAX_RETRY_AFTER_S)
        return await self._json(task, {**headers, "Retry-After": str(after)}, status=202)

    async def _json(self, task: Task, headers: dict[str, str], status: int = 200) -> Response:
        def record() -> Response:
            files = AnswerFiles(self.read)
            values = record_of(task, self.urls, files.read, outlook=self.services.eta.outlook(task))
            return files.held_by(JSONResponse(values, status, headers=headers))

        is_cheap = task.status.is_terminal and not task.parameters.get("require_base64")
        return record() if is_cheap else await asyncio.to_thread(record)

    async def _image(self, task: Task, image_format: str, headers: dict[str, str]) -> Response:
        task = await ended(self.services, task, headers)
        if not task.images:
            raise Problem(
                ErrorCode.TASK_STOPPED,
                "task was stopped before it had an image",
                headers=headers,
                task_id=task.task_id,
            )
        relative = PurePosixPath(task.images[0].path)
        headers["Content-Location"] = self.urls.output(task.images[0].path)
        try:
            content, media_type = await run_in(CONVERSION_EXECUTOR, image_bytes, self.context, relative, image_format)
        except CannotConvert as error:
            raise not_convertible(error, headers, task_id=task.task_id) from error
        except OSError as error:
            raise not_readable(relative.name, error, headers, task_id=task.task_id) from error
        return Response(content, media_type=media_type or MEDIA_TYPES[image_format], headers=headers)
