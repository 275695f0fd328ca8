"""Answers with whole files: a budget for their memory, which each keeps until its last part is sent."""

from __future__ import annotations

import errno
import weakref
from collections.abc import Callable

import anyio
from fastapi.responses import Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from ..requests.memory_budget import MemoryBudget

FILES_BUDGET = MemoryBudget(2**30)
"""Budget of files in answers."""
BYTES_OF_A_BYTE = 4
"""Bytes that a file's byte occupies: in base64, as JSON, and as the answer."""
PART_BYTES = 2**18
PART_TIMEOUT_S = 60.0
"""Seconds that a client may take for one part."""


class AnswerFiles:
    """The files of one answer. Their memory is reserved until `close`, the end of the answer, or that of this object."""

    def __init__(self, read: Callable[[str], bytes], budget: MemoryBudget = FILES_BUDGET) -> None:
        """Read files by `read`, within the budget."""
        self._read = read
        self._budget = budget
        self._reserved = [0]
        self.close = weakref.finalize(self, _release, budget, self._reserved)

    def read(self, path: str) -> bytes:
        """Return the content of a file. Off the event loop.

        Raises:
            OSError: it can't be read, or other answers occupy the memory.
        """
        content = self._read(path)
        size = BYTES_OF_A_BYTE * len(content)
        if not self._budget.reserve(size):
            raise OSError(errno.ENOMEM, "large answers occupy the memory for files")
        self._reserved[0] += size
        return content

    def held_by(self, answer: Response) -> Response:
        """Return an answer that is sent in parts, so that it waits for a slow client, and then frees the memory."""
        return _Held(answer, self) if self._reserved[0] else answer


class _Held(Response):
    def __init__(self, whole: Response, files: AnswerFiles) -> None:
        super().__init__(status_code=whole.status_code)
        self.body, self.raw_headers = whole.body, whole.raw_headers
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            await send(start)
            for begin in range(0, len(self.body), PART_BYTES):
                end = begin + PART_BYTES
                part = bytes(self.body[begin:end])
                with anyio.fail_after(PART_TIMEOUT_S):
                    await send({"type": "http.response.body", "body": part, "more_body": end < len(self.body)})
        except TimeoutError as error:
            raise ClientDisconnect from error  # one that reads nothing keeps the memory from all others
        finally:
            self._files.close()


def _release(budget: MemoryBudget, reserved: list[int]) -> None:
    budget.release(reserved.pop())
