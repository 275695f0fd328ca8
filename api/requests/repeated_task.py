"""The field `repeat_of` of a request: the task whose random state is restored."""

from __future__ import annotations

import asyncio

from fastapi import Request

from ...asgi.error_codes import FieldErrorCode
from ..context import Context
from ..responses.problems import FieldError, InvalidFields
from ..schemas.generate import REPEAT_OF, CommonRequest
from ..security.authorization import access_of, as_stored


async def with_repeated_task(body: CommonRequest, context: Context, request: Request) -> CommonRequest:
    """Return the body with the id in `repeat_of` as it is stored.

    Raises:
        InvalidFields: the task does not exist, the client may not see it, or it has no random state.
    """
    if not body.repeat_of:
        return body
    return await asyncio.to_thread(RepeatedTasks(context, request).checked, body)


class RepeatedTasks:
    """The tasks that the requests of one client repeat; each is looked up once. Blocking: off the event loop."""

    def __init__(self, context: Context, request: Request) -> None:
        self._repeats = context.services.repeats
        self._only = access_of(request).only
        self._known: dict[str, FieldError | None] = {}

    def checked(self, body: CommonRequest) -> CommonRequest:
        """Return a body as `with_repeated_task` does. Raises as it does."""
        if not body.repeat_of:
            return body
        task_id = as_stored(body.repeat_of)
        if task_id not in self._known:
            self._known[task_id] = self._error(task_id)
        if (error := self._known[task_id]) is not None:
            raise InvalidFields([error])
        return body.model_copy(update={REPEAT_OF: task_id})

    def _error(self, task_id: str) -> FieldError | None:
        source = self._repeats.source_of(task_id)
        if source is None or self._only not in (None, source):
            message = (
                "no task has this id, or the key may not see it; omit the field to generate without its random state"
            )
            return FieldError(field=REPEAT_OF, code=FieldErrorCode.UNKNOWN_VALUE, message=message)
        if not self._repeats.has_state(task_id):
            message = "no random state is recorded of this task; omit the field"
            return FieldError(field=REPEAT_OF, code=FieldErrorCode.NO_EFFECT, message=message)
        return None
