"""The end of a response whose task's record can't be read: an error that names the task, so that it is not generated again."""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from fooocus_api.api.compat.openai.answers import Wanted
from fooocus_api.api.compat.openai.streams import GENERATION, ImageStream
from fooocus_api.api.responses.problems import Problem
from fooocus_api.api.results.ended import ended
from fooocus_api.tasks.service import DatabaseUnavailable, UnknownTask

TASK: Any = SimpleNamespace(task_id="7", parameters={})


def services_with(error: Exception) -> Any:
    async def fail(_: str) -> None:
        raise error

    events = SimpleNamespace(subscribe=lambda *_, **__: nullcontext())
    return SimpleNamespace(events=events, tasks=SimpleNamespace(get=fail, wait=fail))


@pytest.mark.parametrize(
    ("error", "code"),
    [(UnknownTask("7"), "task_not_found"), (DatabaseUnavailable("no disk"), "database_unavailable")],
)
def test_a_stream_ends_with_an_error(error: Exception, code: str) -> None:
    context: Any = SimpleNamespace(services=services_with(error))
    access: Any = SimpleNamespace(watch=lambda _: None)

    async def last() -> str:
        stream = ImageStream(context, TASK, Wanted(None, is_base64=True), GENERATION, 0)
        return [event async for event in stream.events(access)][-1].decode()

    event, data = asyncio.run(last()).strip().splitlines()
    found = json.loads(data.removeprefix("data: "))["error"]
    assert event == "event: error" and (found["code"], found["task_id"]) == (code, "7")


def test_the_end_of_a_task_that_cannot_be_read_names_it() -> None:
    with pytest.raises(Problem) as caught:
        asyncio.run(ended(services_with(DatabaseUnavailable("no disk")), TASK, {}))
    assert caught.value.extra["task_id"] == "7" and caught.value.code == "database_unavailable"
