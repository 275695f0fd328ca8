"""The field `repeat_of` of a request: the task whose random state is restored."""

from __future__ import annotations

import asyncio

from fastapi import Request

from ...asgi.error_codes import FieldErrorCode
from ...tasks.service import UnknownTask
from ..context import Context
from ..responses.problems import invalid_field
from ..schemas.generate import REPEAT_OF, CommonRequest
from ..security.authorization import visible_task


async def with_repeated_task(body: CommonRequest, context: Context, request: Request) -> CommonRequest:
    """Return the body with the id in `repeat_of` as it is stored.

    Raises:
        InvalidFields: the task does not exist, the client may not see it, or it has no random state.
    """
    if not body.repeat_of:
        return body
    try:
        task = await visible_task(context, request, body.repeat_of)
    except UnknownTask as error:
        message = "no task has this id, or the key may not see it; omit the field to generate without its random state"
        raise invalid_field(REPEAT_OF, FieldErrorCode.UNKNOWN_VALUE, message) from error
    if not await asyncio.to_thread(context.services.repeats.has_state, task.task_id):
        message = "no random state is recorded of this task; omit the field"
        raise invalid_field(REPEAT_OF, FieldErrorCode.NO_EFFECT, message)
    return body.model_copy(update={REPEAT_OF: task.task_id})
