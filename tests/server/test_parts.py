"""Bodies that are sent in parts: complete, in writes of a bounded size, with a turn for other requests in between."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from fooocus_api.asgi.parts import PART_BYTES, Parts

SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": []}


async def sent(app: ASGIApp) -> tuple[list[MutableMapping[str, Any]], int]:
    """Return the messages of a response, and how often another callback had its turn in the meantime."""
    messages: list[MutableMapping[str, Any]] = []
    turns = 0

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()  # the client stays
        raise AssertionError

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await asyncio.sleep(0)
    before = turns
    await Parts(app)(SCOPE, receive, send)
    task.cancel()
    return messages, turns - before


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES, 5 * PART_BYTES - 7])
def test_a_body_arrives_whole_in_bounded_writes(size: int) -> None:
    body = bytes(index % 251 for index in range(size))
    messages, turns = asyncio.run(sent(Response(body)))
    bodies = [message["body"] for message in messages[1:]]
    assert b"".join(bodies) == body
    assert max(map(len, bodies)) <= PART_BYTES
    assert [message.get("more_body", False) for message in messages[1:]] == [*[True] * (len(bodies) - 1), False]
    assert turns >= len(bodies) - 1


def test_an_event_is_one_chunk() -> None:
    """Some clients take each chunk of a stream for one event."""
    event = b"data: " + b"x" * 2 * PART_BYTES + b"\n\n"

    async def events() -> Any:
        yield event

    messages, _ = asyncio.run(sent(StreamingResponse(events(), media_type="text/event-stream")))
    assert event in [message.get("body") for message in messages]
