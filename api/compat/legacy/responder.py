"""Submits a request of Fooocus-API's clients, and answers in the form that they asked for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ....asgi.surfaces.surface import Surface
from ....images.codecs.conversion import CannotConvert
from ....tasks.model.task import Task
from ....tasks.ports.engine import ParameterError
from ....tasks.service import LimitReached
from ...context import Context
from ...executors import CONVERSION_EXECUTOR, INPUT_EXECUTOR, run_in
from ...images.output_files import image_bytes
from ...requests.image_sources import ImageResolver
from ...responses.images import MEDIA_TYPES, not_convertible, not_readable
from ...responses.problems import InvalidFields, Problem, invalid_field, limit_problem
from ...results.ended import ended
from ...schemas.generate import CommonRequest
from ...security.authorization import may_see_image
from ..submission import Translated, submit
from .answers import CANCELLED, ERROR, QUEUE_IS_FULL, job_answer, no_job, no_results, results_answer
from .requests.bodies import Body
from .requests.kinds import KIND, Kind
from .requests.masks import inverted
from .requests.translation import MASK, Translation, legacy_field, translate

PNG = MEDIA_TYPES["PNG"]
PLACES = ("max_pending", "pending_tasks")
"""Limits of the number of pending tasks: of the queue, and of a key."""


@dataclass(frozen=True)
class Sent:
    """A request's body as it was sent, its model, and the names of the fields that were ignored while it was read."""

    content: Any
    body: Body
    ignored: tuple[str, ...] = ()
    is_form: bool = False


class LegacyResponder:
    """Answers one request. `accept` is the query parameter that takes precedence over the header."""

    def __init__(
        self, kind: Kind, context: Context, request: Request, model: type[CommonRequest], accept: str | None
    ) -> None:
        self._kind = kind
        self._context = context
        self._request = request
        self._model = model
        self._urls = context.urls(request)
        self._wants_image = (accept or request.headers.get("accept")) == PNG

    async def submit(self, sent: Sent) -> Task | Response:
        """Return the accepted task, or the response to a request that no place is left for.

        Raises:
            InvalidFields: names every wrong field, as Fooocus-API names it.
            Problem: the request is refused.
        """
        translation = await run_in_threadpool(
            translate, self._kind, sent.body, self._context, one_image=self._wants_image, is_form=sent.is_form
        )
        if translation.inverted:
            await run_in(INPUT_EXECUTOR, self._invert, translation)
        translation.ignored[:0] = sent.ignored
        try:
            return await self._accepted(translation, sent.content)
        except InvalidFields as error:
            raise InvalidFields(legacy_field(one) for one in error.errors) from error
        except LimitReached as error:
            if error.limit not in PLACES:
                raise
            return self._full(error, is_async=bool(translation.values.get("async_process")))

    async def respond(self, task: Task) -> Response:
        """Return the job of an accepted task, or wait for its end and return its images or the first one."""
        headers = {"X-Task-Id": task.task_id, "Location": self._urls.task(task.task_id)}
        if task.parameters.get("async_process"):
            return await run_in_threadpool(job_answer, task, self._context, self._urls, headers=headers)
        try:
            task = await ended(self._context.services, task, headers)
        except Problem as error:
            if self._wants_image and error.code is ErrorCode.GENERATION_FAILED:
                return PlainTextResponse(ERROR, error.status, headers=headers)
            raise
        if not task.images:
            if self._wants_image:
                return PlainTextResponse(CANCELLED, 400, headers=headers)
            return JSONResponse(no_results(CANCELLED), 400, headers=headers)
        if self._wants_image:
            return await self._image(task, headers)
        return await run_in_threadpool(results_answer, task, self._context, self._urls, headers)

    async def _accepted(self, translation: Translation, content: Any) -> Task:
        """Return the accepted task. A mask that is all black leaves the prompt alone, as in Fooocus."""
        with suppress(_BlackMask):
            return await self._submitted(translation, content, has_mask=MASK in translation.values)
        left = {name: value for name, value in translation.values.items() if "inpaint" not in name}
        left.pop("outpaint_distance", None)
        left.pop("outpaint_selections", None)
        ignored = [*translation.ignored, "input_image", "input_mask"]
        return await self._submitted(Translation(left, ignored), content, has_mask=False)

    async def _submitted(self, translation: Translation, content: Any, *, has_mask: bool) -> Task:
        translated = Translated(
            translation.values, content, data={KIND: self._kind.value}, ignored=tuple(translation.ignored)
        )
        try:
            return await submit(translated, Surface.LEGACY, self._context, self._request, self._model)
        except ParameterError as error:
            if has_mask and error.field == MASK:
                raise _BlackMask from error
            if error.field is None:
                raise
            raise invalid_field(error.field, FieldErrorCode.REFUSED, str(error)) from error

    def _invert(self, translation: Translation) -> None:
        may_see = may_see_image(self._context, self._request)
        resolver = ImageResolver(self._context, self._request.headers.get("host"), may_see=may_see)
        translation.values[MASK] = inverted(resolver, translation.values[MASK], self._urls)

    def _full(self, error: LimitReached, *, is_async: bool) -> Response:
        """Return the response to a request that the queue or the key's quota has no place for."""
        problem = limit_problem(error)
        if self._wants_image and not is_async:
            return PlainTextResponse(QUEUE_IS_FULL, 409, headers=problem.headers)
        body: Any = no_job(self._kind, None, QUEUE_IS_FULL) if is_async else no_results(QUEUE_IS_FULL)
        return JSONResponse(body, problem.status, headers=problem.headers)

    async def _image(self, task: Task, headers: dict[str, str]) -> Response:
        relative = PurePosixPath(task.images[0].path)
        headers["Content-Location"] = self._urls.file(task.images[0].path)
        try:
            content, media_type = await run_in(CONVERSION_EXECUTOR, image_bytes, self._context, relative, "PNG")
        except CannotConvert as error:
            raise not_convertible(error, headers, task_id=task.task_id) from error
        except OSError as error:
            raise not_readable(relative.name, error, headers, task_id=task.task_id) from error
        return Response(content, media_type=media_type, headers=headers)


class _BlackMask(Exception):
    """A mask in which nothing is to be generated again."""
