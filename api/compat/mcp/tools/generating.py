"""`generate_image` and `edit_image`: translates the arguments into a generate request, and waits for its images."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .....asgi.error_codes import FieldErrorCode
from .....asgi.surfaces.surface import Surface
from .....auth.keys import Scope
from .....tasks.build import TaskServices
from .....tasks.model.task import Task
from .....tasks.service import DatabaseUnavailable, UnknownTask
from ....context import Context
from ....responses.problems import invalid_field
from ....results.ended import ended
from ....schemas.generate import CommonRequest
from ....security.authorization import access_of
from ....validation.sizes import size_of
from ...sizes import ImpossibleSize, plan_size
from ...submission import Translated, submit
from ..protocol.calls import Call, Ending
from ..protocol.progress import Reading
from .listing import DEFAULT_MARK
from .place import tasks_before
from .results import task_result
from .tool import CREATING, Schema, Tool, integer, text, texts

MAX_COUNT = 4
"""Images of one call, which share the room of its result."""
MAX_SEED = 2**32 - 1
MAX_SIZE_LENGTH = 100
"""Characters of a size or a ratio as text."""
FIELDS = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "styles": "style_selections",
    "performance": "performance_selection",
    "count": "image_number",
    "seed": "image_seed",
    "model": "base_model_name",
    "preset": "preset",
}
"""Argument → the field of a generate request that takes its value as it is."""
SIZE_FIELDS = ("aspect_ratios_selection", "overwrite_width", "overwrite_height")
DIRECTIONS = {"left": "Left", "right": "Right", "top": "Top", "bottom": "Bottom"}
VARY_AND_UPSCALE = {
    "vary_subtle": "Vary (Subtle)",
    "vary_strong": "Vary (Strong)",
    "upscale": "Upscale (2x)",
}
INPAINT, OUTPAINT = "inpaint", "outpaint"
MODES = [*VARY_AND_UPSCALE, INPAINT, OUTPAINT]
GENERATE = """Generates images from a description with Fooocus (SDXL) and returns them with URLs of the full-quality files. \
Good at photographs, illustrations and art; weak at long texts in the image. Write the prompt in English and describe what is to \
be seen; keywords such as "best quality" are not needed, as Fooocus expands the prompt itself. Usually the prompt and perhaps a \
style are enough. Takes seconds to minutes."""
EDIT = """Edits an image with Fooocus: varies it, enlarges it (upscale), replaces the white area of a mask by what the prompt \
describes (inpaint), or extends it at its sides (outpaint). Returns the new image with the URL of the full-quality file."""
IMAGE = "The image: the URL of one that these tools returned, another http(s) URL, or a data URI."


def _generate_properties(context: Context, model: type[CommonRequest]) -> dict[str, Schema]:
    catalog, usual = context.host.catalog, model.model_fields
    performance, size = usual["performance_selection"].default, usual["aspect_ratios_selection"].default
    return {
        "prompt": text("What the image shows, in English."),
        "negative_prompt": text("What to avoid in the image, in English. Default: that of Fooocus."),
        "aspect_ratio": text(f'A ratio such as "16:9" or a size in pixels such as "1024x768". Default: {size}.'),
        "styles": texts(
            "Names of styles from list_styles. They replace the default ones: "
            f"{', '.join(usual['style_selections'].get_default(call_default_factory=True)) or 'none'}."
        ),
        "performance": text(
            f"Quality against time; Lightning and similar ones are the fastest. Default: {performance}.",
            catalog.names("performances"),
        ),
        "count": integer("The number of images. Default: 1.", 1, MAX_COUNT),
        "seed": integer("The seed of the first image, to get the same one again. Default: random.", 0, MAX_SEED),
        "model": text("A checkpoint from list_models. Default: that of Fooocus."),
        "preset": text("A preset from list_presets, whose values replace the defaults. Default: none."),
    }


def _edit_properties(*_: Any) -> dict[str, Schema]:
    return {
        "image": text(IMAGE),
        "mode": text("The kind of edit.", MODES),
        "prompt": text("What the new image or the masked area shows, in English. Default: empty."),
        "mask": text("Only for inpaint, which needs it: an image as large as `image`, white where to generate again."),
        "directions": texts("Only for outpaint, which needs them: the sides to extend.", list(DIRECTIONS)),
    }


def _generate_values(call: Call) -> Translated:
    arguments = call.arguments
    values = {field: arguments[name] for name, field in FIELDS.items() if name in arguments}
    if "model" in arguments:
        values[FIELDS["model"]] = arguments["model"].removesuffix(DEFAULT_MARK)
    size, fields = _size(call, arguments.get("aspect_ratio", ""))
    return Translated({**values, **fields}, arguments, size)


def _size(call: Call, written: str) -> tuple[tuple[int, int] | None, dict[str, Any]]:
    """Return the size that the images shall have if Fooocus does not generate it itself, and the fields of the request."""
    if not written.strip():
        return None, {}
    if len(written) > MAX_SIZE_LENGTH:
        message = f"is longer than {MAX_SIZE_LENGTH} characters; write a ratio or a size"
        raise invalid_field("aspect_ratio", FieldErrorCode.TOO_LONG, message)
    listed = call.context.host.catalog.names("aspect_ratios")
    asked = size_of(written, listed)
    if asked is None:
        return None, {SIZE_FIELDS[0]: written}  # its error names what is allowed
    try:
        plan = plan_size(asked, listed)
    except ImpossibleSize as error:
        raise invalid_field("aspect_ratio", FieldErrorCode.OUT_OF_RANGE, str(error)) from error
    return plan.view, plan.fields


def _edit_values(call: Call) -> Translated:
    arguments, mode = call.arguments, call.arguments["mode"]
    values: dict[str, Any] = {"prompt": arguments.get("prompt", "")}
    if mode in VARY_AND_UPSCALE:
        values |= {"uov_input_image": arguments["image"], "uov_method": VARY_AND_UPSCALE[mode]}
    else:
        values["inpaint_input_image"] = arguments["image"]
    for name, own_mode in (("mask", INPAINT), ("directions", OUTPAINT)):
        if mode == own_mode and not arguments.get(name):
            raise invalid_field(name, FieldErrorCode.REQUIRED, f"is required by mode {mode}")
        if mode != own_mode and arguments.get(name):
            message = f"has no effect with mode {mode}; use mode {own_mode}, or leave it out"
            raise invalid_field(name, FieldErrorCode.NO_EFFECT, message)
    if mode == INPAINT:
        values["inpaint_mask_image_upload"] = arguments["mask"]
    elif mode == OUTPAINT:
        values["outpaint_selections"] = [_direction(one) for one in arguments["directions"]]
    return Translated(values, arguments)


def _direction(name: str) -> str:
    if name.lower() not in DIRECTIONS:
        raise invalid_field("directions", FieldErrorCode.UNKNOWN_VALUE, "unknown side", list(DIRECTIONS))
    return DIRECTIONS[name.lower()]


async def _run(call: Call, translate: Callable[[Call], Translated]) -> dict[str, Any]:
    """Submit the request and return the result of its task."""
    task = await submit(translate(call), Surface.MCP, call.context, call.request, call.model)
    call.free()
    services = call.context.services
    may_stop = access_of(call.request).may(Scope.CONTROL)
    await call.accepted(partial(_stop, services, task.task_id, may_stop), partial(_reading, services, task))
    return await task_result(call, await ended(services, task, {}))


def _stop(services: TaskServices, task_id: str, may_stop: bool, ending: Ending) -> None:
    """Stop a task whose client has cancelled it, or has closed the response that alone waited for it."""
    if not may_stop or ending is Ending.LOST or (ending is Ending.CLOSED and services.events.is_awaited(task_id)):
        return
    services.tasks.stop_now(task_id)


async def _reading(services: TaskServices, task: Task) -> Reading:
    """Return the steps that a task has done over all its images."""
    try:
        task = await services.tasks.get(task.task_id)
    except (UnknownTask, DatabaseUnavailable):  # it has ended, and is no longer in memory
        return Reading(0, None, "finished")
    stage = task.stage
    total = stage.steps * stage.image_count if stage.steps and stage.image_count else None
    if task.started_at == -1:
        before = await asyncio.to_thread(tasks_before, services, task)
        return Reading(0, None, f"waiting, {before} before it" if before else "waiting")
    done = ((stage.image_number or 1) - 1) * (stage.steps or 0) + (stage.step or 0)
    of_images = (
        f"image {stage.image_number} of {stage.image_count}, " if stage.image_number and stage.image_count else ""
    )
    of_steps = f", step {stage.step} of {stage.steps}" if stage.step and stage.steps else ""
    return Reading(done, total, f"{of_images}{stage.phase}{of_steps}")


def _with(translate: Callable[[Call], Translated]) -> Callable[[Call], Awaitable[dict[str, Any]]]:
    return partial(_run, translate=translate)


GENERATE_IMAGE = Tool(
    "generate_image",
    "Generate an image",
    GENERATE,
    _with(_generate_values),
    scope=Scope.GENERATE,
    annotations=CREATING,
    properties=_generate_properties,
    required=("prompt",),
    waits=True,
    names={**{field: name for name, field in FIELDS.items()}, **dict.fromkeys(SIZE_FIELDS, "aspect_ratio")},
)
EDIT_IMAGE = Tool(
    "edit_image",
    "Edit an image",
    EDIT,
    _with(_edit_values),
    scope=Scope.GENERATE,
    annotations=CREATING,
    properties=_edit_properties,
    required=("image", "mode"),
    waits=True,
    names={
        "uov_input_image": "image",
        "uov_method": "mode",
        "inpaint_input_image": "image",
        "inpaint_mask_image_upload": "mask",
        "outpaint_selections": "directions",
    },
)
