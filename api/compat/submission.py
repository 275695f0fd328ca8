"""Requests of surfaces, translated into generate requests and submitted like these."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from ...asgi.surfaces.surface import Surface
from ...tasks.model.task import Task
from ..context import Context
from ..requests.acceptance import Origin, submit_request
from ..requests.headers.idempotency import key_of_part
from ..requests.parameter_names import note_ignored
from ..responses.problems import InvalidFields, field_error
from ..schemas.generate import CommonRequest

SEED_LIMIT = 2**32 - 1024
"""Random seeds are below it: clients of these APIs keep a seed in 32 bits, and a task's further images count up from it."""
SURFACE_NOTE, SIZE_NOTE, EXTRA_NOTE = "surface", "asked_size", "surface_data"
"""Names of a task's notes: the surface that accepted it, the asked width and height, and what the surface has to remember."""


@dataclass(frozen=True)
class Translated:
    """A request of a surface in terms of the API.

    Args:
        values: fields of a generate request.
        content: the request as it was sent, by which a repeated one with its `Idempotency-Key` is recognized.
        size: width and height that the images of the response shall have, None for those of the generated ones.
        data: stored with the task, for the surface itself. JSON.
        ignored: names of fields that have no effect.
    """

    values: dict[str, Any]
    content: Any
    size: tuple[int, int] | None = None
    data: dict[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


async def submit(
    translated: Translated,
    surface: Surface,
    context: Context,
    request: Request,
    model: type[CommonRequest],
    *,
    part: str = "",
) -> Task:
    """Return the accepted task of a request, or the earlier one with its `Idempotency-Key`.

    Args:
        part: distinguishes the further tasks of a request that has several; it makes a key of its own of the `Idempotency-Key`.

    Raises:
        InvalidFields: names every wrong field of the generate request; the surface gives them its own names.
        Problem: as for a generate request.
    """
    body = body_of(translated.values, model)
    notes = {SURFACE_NOTE: surface.value, SIZE_NOTE: translated.size, EXTRA_NOTE: translated.data}
    origin = Origin(translated.content, {name: value for name, value in notes.items() if value}, surface.value)
    key = key_of_part(request.headers.get("idempotency-key"), part)
    submission = await submit_request(body, context, request, origin, idempotency_key=key)
    note_ignored(request, translated.ignored)
    return submission.task


def body_of(values: dict[str, Any], model: type[CommonRequest]) -> CommonRequest:
    """Return these fields as a generate request, with a random seed of 32 bits unless they have one.

    Raises:
        InvalidFields: names every wrong field.
    """
    seed = values.get("image_seed")
    if seed is None or seed == -1:
        values = {**values, "image_seed": secrets.randbelow(SEED_LIMIT)}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidFields(field_error(item) for item in error.errors()) from error
