"""Answers with files: their memory is limited over all of them, and free once they are sent."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
from collections.abc import MutableMapping
from typing import Any

import pytest
from fastapi.responses import JSONResponse

from fooocus_api.api.images.large_answers import BYTES_OF_A_BYTE, AnswerFiles
from fooocus_api.api.requests.memory_budget import MemoryBudget
from fooocus_api.api.responses.public_urls import PublicUrls
from fooocus_api.api.schemas.task import record_of
from fooocus_api.asgi.parts import PART_BYTES
from fooocus_api.auth.signed_urls import UNSIGNED
from fooocus_api.tasks.model.task import Image, Task, TaskStatus

FILE = bytes(range(256)) * 4000
SIZE = BYTES_OF_A_BYTE * len(FILE)


def read(path: str) -> bytes:
    return FILE


def record(files: AnswerFiles, images: int) -> dict[str, Any]:
    task = Task("0" * 32, "api", {"require_base64": True}, TaskStatus.FINISHED)
    task.images = [Image(f"2026-01-01/{number}.png") for number in range(images)]
    return record_of(task, PublicUrls(None, "http://x", UNSIGNED), files.read)


async def receive() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def test_files_beyond_the_memory_are_named_and_left_out() -> None:
    budget = MemoryBudget(2 * SIZE)
    files = AnswerFiles(read, budget)
    found = record(files, 3)
    contents = [image["base64"] for image in found["images"]]
    assert contents == [base64.b64encode(FILE).decode()] * 2 + [None]
    (reason,) = found["incomplete"]
    assert reason.startswith("images[2].base64:") and "occupy the memory" in reason and "by its url" in reason
    assert record(AnswerFiles(read, budget), 1)["images"][0]["base64"] is None, "the first answer still has the memory"
    files.close()
    assert record(AnswerFiles(read, budget), 1)["images"][0]["base64"] is not None


def test_an_answer_is_sent_in_parts_and_has_its_memory_until_the_last_one() -> None:
    budget = MemoryBudget(SIZE)
    files = AnswerFiles(read, budget)
    values = record(files, 1)
    answer = files.held_by(JSONResponse(values, headers={"X-Task-Id": "1"}))
    sent: list[MutableMapping[str, Any]] = []
    left: list[int] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)
        left.append(budget.left)

    asyncio.run(answer({"type": "http"}, receive, send))
    start, *parts = sent
    headers = dict(start["headers"])
    body = b"".join(part["body"] for part in parts)
    assert json.loads(body) == values and int(headers[b"content-length"]) == len(body) and headers[b"x-task-id"] == b"1"
    assert [part["more_body"] for part in parts] == [True] * (len(parts) - 1) + [False] and len(parts) > 2
    assert max(len(part["body"]) for part in parts) == PART_BYTES
    assert left == [0] * len(sent) and budget.left == SIZE


def test_an_answer_that_fails_or_is_never_sent_frees_its_memory() -> None:
    budget = MemoryBudget(SIZE)

    async def send(message: MutableMapping[str, Any]) -> None:
        raise OSError("gone")

    files = AnswerFiles(read, budget)
    answer = files.held_by(JSONResponse(record(files, 1)))
    with pytest.raises(OSError, match="gone"):
        asyncio.run(answer({"type": "http"}, receive, send))
    assert budget.left == SIZE
    files = AnswerFiles(read, budget)
    answer = files.held_by(JSONResponse(record(files, 1)))
    assert budget.left == 0
    del files, answer
    gc.collect()
    assert budget.left == SIZE
