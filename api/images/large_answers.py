"""Answers with whole files: a budget for their memory, which each keeps until its last part is sent."""

from __future__ import annotations

import errno
import weakref
from collections.abc import Callable

from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from ...asgi.error_codes import ErrorCode
from ...asgi.parts import PART_BYTES
from ...asgi.slow_readers import PATIENCE_S, StoppedReading, bounded, hang_up
from ..requests.memory_budget import MemoryBudget
from ..responses.problems import Problem

FILES_BUDGET = MemoryBudget(2**30)
"""Budget of files in answers."""
BYTES_OF_A_BYTE = 4
"""Bytes that a file's byte occupies: in base64, as JSON, and as the answer."""
RETRY_AFTER_S = 5


class AnswerMemory:
    """The memory of one answer's files. It is reserved until `close`, the end of the answer, or that of this object."""

    def __init__(self, budget: MemoryBudget = FILES_BUDGET, patience_s: float = PATIENCE_S) -> None:
        """Reserve within the budget. A client may take `patience_s` seconds for each part of the answer."""
        self.patience_s = patience_s
        self._budget = budget
        self._reserved = [0]
        self.close = weakref.finalize(self, _release, budget, self._reserved)

    def reserve(self, content: bytes) -> bool:
        """Reserve the memory for a file. Return whether other answers leave enough."""
        size = BYTES_OF_A_BYTE * len(content)
        if not self._budget.reserve(size):
            return False
        self._reserved[0] += size
        return True

    def hold(self, content: bytes, task_id: str | None = None) -> bytes:
        """Return a file whose memory is reserved, for an answer that is worth nothing without it.

        Raises:
            Problem: 503, other answers occupy the memory; it names the task that has the file.
        """
        if self.reserve(content):
            return content
        remedy, named = "send the request again later", {}
        if task_id is not None:
            remedy = f"get the images of task {task_id} later, or repeat the request with its Idempotency-Key"
            named = {"task_id": task_id}
        detail = f"memory for files is occupied by other large answers; {remedy}"
        raise Problem(ErrorCode.SERVER_BUSY, detail, headers={"Retry-After": str(RETRY_AFTER_S)}, **named)

    def held_by(self, answer: Response) -> Response:
        """Return an answer that is sent in parts, so that it waits for a slow client, and then frees the memory."""
        return _Held(answer, self) if self._reserved[0] else answer


class AnswerFiles(AnswerMemory):
    """The files of one answer, with their memory."""

    def __init__(
        self, read: Callable[[str], bytes], budget: MemoryBudget = FILES_BUDGET, patience_s: float = PATIENCE_S
    ) -> None:
        """Read files by `read`, within the budget."""
        super().__init__(budget, patience_s)
        self._read = read

    def read(self, path: str) -> bytes:
        """Return the content of a file. Off the event loop.

        Raises:
            OSError: it can't be read, or other answers occupy the memory.
        """
        content = self._read(path)
        if not self.reserve(content):
            raise OSError(errno.ENOMEM, "large answers occupy the memory for files")
        return content


class _Held(Response):
    def __init__(self, whole: Response, memory: AnswerMemory) -> None:
        super().__init__(status_code=whole.status_code)
        self.body, self.raw_headers = whole.body, whole.raw_headers
        self._memory = memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        send_in_time = bounded(send, self._memory.patience_s)
        try:
            await send_in_time({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for begin in range(0, len(self.body), PART_BYTES):
                end = begin + PART_BYTES
                part = bytes(self.body[begin:end])
                await send_in_time({"type": "http.response.body", "body": part, "more_body": end < len(self.body)})
        except StoppedReading:  # one that reads nothing keeps the memory from all others
            await hang_up(scope, receive)
        finally:
            self._memory.close()


def _release(budget: MemoryBudget, reserved: list[int]) -> None:
    budget.release(reserved.pop())
