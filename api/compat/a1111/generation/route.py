"""`txt2img` and `img2img`."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from fastapi.concurrency import run_in_threadpool

from .....asgi.surfaces.surface import Surface
from .....auth.keys import Scope
from .....tasks.model.task import Task
from ....context import Context
from ....executors import CONVERSION_EXECUTOR, INPUT_EXECUTOR, run_in
from ....images.large_answers import AnswerMemory
from ....requests.json_body import free_body
from ....requests.parameter_names import note_ignored
from ....results.ended import ended
from ....schemas.generate import CommonRequest
from ....security.authorization import access_of, require_scope
from ...answers import contents
from ...submission import Translated, submit
from ..jobs import Job, Jobs
from ..pictures import Size, check_total
from ..routing import A1111Route, refusals, renamed
from ..settings import Settings, keep, settings_of
from .answer import Result, response_of
from .bodies import GenerationBody, GenerationResponse, ImageToImageBody, TextToImageBody
from .hires import fields_of_second_pass, final_size, second_pass
from .image_to_image import translate
from .scripts import apply_scripts
from .translation import NAMES, Draft, asked_size, check_script, planned, usual_size

log = logging.getLogger("fooocus_api.api")
TEXT_TO_IMAGE, IMAGE_TO_IMAGE = "scripts_txt2img", "scripts_img2img"
"""Names of the jobs."""
GENERATION: dict[str, Any] = {
    "response_model": GenerationResponse,
    "responses": refusals(400, 404, 413, 500),
    "dependencies": [require_scope(Scope.GENERATE)],
}


@dataclass(frozen=True)
class Plan:
    """A translated request: the fields of its first task, the size of the answer (None for that of the images), and what the
    second pass has in common if there is one."""

    values: dict[str, Any]
    size: Size | None
    ignored: list[str]
    unchanged: bytes | None = None
    second: dict[str, Any] | None = None


class Generation:
    """One request that generates, from its body to its answer."""

    def __init__(self, context: Context, model: type[CommonRequest], request: Request, job: Job) -> None:
        self._context = context
        self._model = model
        self._request = request
        self._job = job
        self._source = access_of(request).source

    async def settings(self, body: GenerationBody) -> Settings:
        """Return the settings of the request, and keep them if it says so."""
        check_script(body)
        settings = await settings_of(self._context, self._source, body.override_settings)
        if not body.override_settings_restore_afterwards and body.override_settings:
            await keep(self._context, self._source, body.override_settings)
        return settings

    async def respond(self, body: GenerationBody, plan: Plan, settings: Settings) -> Response:
        """Generate, and return the answer."""
        body.forget_images()
        memory = AnswerMemory() if body.send_images else None
        if plan.unchanged is not None:
            note_ignored(self._request, plan.ignored)
            seed = max(body.seed, 0)
            files = [plan.unchanged if memory is None else memory.hold(plan.unchanged)]
            result = Result(files, [seed], plan.values, plan.size or (0, 0))
        else:
            result = await self._generated(body, plan, settings, memory)
        answer = await run_in(CONVERSION_EXECUTOR, response_of, body, result, self._context)
        return answer if memory is None else memory.held_by(answer)

    async def _generated(
        self, body: GenerationBody, plan: Plan, settings: Settings, memory: AnswerMemory | None
    ) -> Result:
        number = plan.values["image_number"]
        self._job.expect(count=number, parts=1 if plan.second is None else 1 + number)
        if self._job.interrupted:
            return Result([], [], plan.values, plan.size or (0, 0))
        first = await self._end(plan.values, plan.size, await self._request.json(), plan.ignored)
        tasks = [first]
        if plan.second is not None and isinstance(body, TextToImageBody) and not self._job.interrupted:
            tasks = await self._second_passes(body, first, plan)
        files: list[bytes] = []
        seeds: list[int] = []
        sizes = [(image.width or 0, image.height or 0) for task in tasks for image in task.images]
        for task in tasks:
            own_format = settings.image_format if settings.image_format != "PNG" else None
            files += await contents(self._context, task, plan.size, own_format, memory=memory)
            seeds += [image.seed if image.seed is not None else task.parameters["image_seed"] for image in task.images]
        size = plan.size or (sizes[0] if sizes else (0, 0))
        return Result(files, seeds, first.parameters, size, first)

    async def _second_passes(self, body: TextToImageBody, first: Task, plan: Plan) -> list[Task]:
        """Return the ended tasks that enlarge the images of the first one. A job that is interrupted begins no further one. After
        one that fails or is refused, the rest of the images stay as they are: they exist, and shall not be lost."""
        tasks: list[Task] = []
        if plan.second is None or plan.size is None:
            return tasks
        self._job.expect(parts=1 + len(first.images))
        for number, image in enumerate(first.images):
            if self._job.interrupted:
                break
            values = {**plan.second, **second_pass(body, first, image, plan.size)}
            content = {"second_pass_of": first.task_id, "image": number}
            try:
                tasks.append(await self._end(values, plan.size, content, [], part=f"/{number + 1}"))
            except Exception as error:  # for any reason
                log.warning("image not enlarged", extra={"task_id": first.task_id}, exc_info=error)
                note_ignored(self._request, ["enable_hr"])
                return [*tasks, replace(first, images=first.images[number:])]
        return tasks if any(task.images for task in tasks) else [first]

    async def _end(
        self, values: dict[str, Any], size: Size | None, content: Any, ignored: list[str], part: str = ""
    ) -> Task:
        """Submit a task and return it once it has ended. Its images are freed before the wait: `values` is empty then."""
        translated = Translated(values, content, size, {}, tuple(ignored))
        with renamed(NAMES):
            task = await submit(translated, Surface.A1111, self._context, self._request, self._model, part=part)
        values.clear()
        free_body(self._request)
        self._job.task_ids.append(task.task_id)
        if self._job.interrupted:  # while it was submitted
            await self._context.services.tasks.stop(task.task_id)
        return await ended(self._context.services, task, {})


def router(context: Context, model: type[CommonRequest], jobs: Jobs) -> APIRouter:
    """Return the router; `model` is that of a generate request on the running host."""
    routes = APIRouter(tags=["generation"], route_class=A1111Route)

    async def text_to_image(request: Request, body: Annotated[TextToImageBody, Body()]) -> Response:
        """Generate images of a text. Members that are unknown or have no effect are named in `X-Ignored-Fields`."""
        _ = context.services
        with jobs.open(access_of(request).source, TEXT_TO_IMAGE) as job:
            generation = Generation(context, model, request, job)
            settings = await generation.settings(body)
            plan = await run_in_threadpool(_text_plan, body, settings, context)
            return await generation.respond(body, plan, settings)

    async def image_to_image(request: Request, body: Annotated[ImageToImageBody, Body()]) -> Response:
        """Generate images of an image: all of it, or where its mask is white."""
        _ = context.services
        with jobs.open(access_of(request).source, IMAGE_TO_IMAGE) as job:
            generation = Generation(context, model, request, job)
            settings = await generation.settings(body)
            found = await run_in(INPUT_EXECUTOR, translate, body, settings, context, request)
            plan = Plan(found.values, found.size, found.ignored, found.unchanged)
            return await generation.respond(body, plan, settings)

    routes.post("/sdapi/v1/txt2img", summary="Generate images of a text", **GENERATION)(text_to_image)
    routes.post("/sdapi/v1/img2img", summary="Generate images of an image", **GENERATION)(image_to_image)
    return routes


def _text_plan(body: TextToImageBody, settings: Settings, context: Context) -> Plan:
    draft = Draft(body, settings, context)
    size = asked_size(body)
    apply_scripts(body.alwayson_scripts, draft.values, draft.ignored, None)
    second = None
    if size is None and body.enable_hr:
        size = usual_size(context)
    if size is not None:
        draft.values.update(planned(size, context).fields)
        final = final_size(body, size)
        if final is not None:
            second = fields_of_second_pass(body, draft, context)
        size = final or size
    width, height = size or usual_size(context)
    check_total("batch_size", width * height * body.image_number)
    return Plan(draft.values, size, draft.ignored, second=second)
