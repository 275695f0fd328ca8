"""Submission of a request as a task: the one way of all single requests. Rows of batches come by `tasks/batches/feeder.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from ...auth.keys import Scope
from ...tasks.queue.submission import Submission
from ..context import Context
from ..executors import INPUT_EXECUTOR, run_in
from ..schemas.generate import CommonRequest
from ..security.authorization import access_of
from .fields.ignored import NOTE
from .headers.idempotency import idempotency_of
from .parameter_names import note_ignored
from .preparation import prepare, takes_long
from .repeated_task import with_repeated_task

NATIVE = "native"
"""The name of this server's own API in the metrics."""


@dataclass(frozen=True)
class Origin:
    """The place where a request comes from: `content` identifies the request, `notes` are stored with the new task.

    `surface` is the API that it was sent to.
    """

    content: Any
    notes: dict[str, Any] = field(default_factory=dict)
    surface: str = NATIVE


async def submit_request(
    body: CommonRequest,
    context: Context,
    request: Request,
    origin: Origin,
    *,
    idempotency_key: str | None = None,
    image_format: str | None = None,
) -> Submission:
    """Submit a new task, or return the earlier one if this request repeats its idempotency key.

    Args:
        image_format: the format of the response if that is an image.

    Raises:
        Problem: the request is refused; nothing was accepted.
    """
    services, access = context.services, access_of(request)
    if body.priority > 0:
        access.require(Scope.CONTROL)  # the same as move-to-front
    source = access.source
    idempotency = await run_in_threadpool(idempotency_of, idempotency_key, source, origin.content)
    if idempotency is not None and (earlier := await services.submissions.find_replay(idempotency)) is not None:
        return _noted(earlier, request)
    body = await with_repeated_task(body, context, request)
    preparing = partial(prepare, body, context, request, image_format=image_format)
    prepared = await (run_in(INPUT_EXECUTOR, preparing) if takes_long(body) else run_in_threadpool(preparing))
    notes = {**origin.notes, **({NOTE: prepared.ignored} if prepared.ignored else {})}
    try:
        submission = await services.submissions.submit(
            prepared.parameters,
            source=source,
            downloads=prepared.downloads,
            idempotency=idempotency,
            within=access.limits,
            webhook_url=body.webhook_url,
            base_url=context.urls(request).base,
            notes=notes,
        )
    except Exception:  # but not on cancellation: the task may be accepted nevertheless
        await run_in_threadpool(context.inputs.drop, prepared.images)
        raise
    context.inputs.keep(prepared.images)
    if not submission.is_replay:
        services.metrics.count_accepted(origin.surface)
    return _noted(submission, request)


def _noted(submission: Submission, request: Request) -> Submission:
    """Return the submission, after its ignored fields are noted for the response's header."""
    note_ignored(request, (one["path"] for one in submission.task.notes.get(NOTE, ())))
    return submission
