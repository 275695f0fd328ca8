"""The asynchronous client: the same calls, several at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fooocus_api_client import AsyncClient, BatchResult

from fooocus_api.tests.client.constants import QUICK
from fooocus_api.tests.support.host import Host

FIELDS: Any = QUICK


def test_everything_at_once(demo: Host, tmp_path: Path) -> None:
    async def run() -> None:
        async with AsyncClient(demo.url) as api:
            tasks = await asyncio.gather(*(api.generate(f"hill {number}", **FIELDS) for number in range(3)))
            assert [task.task_status for task in tasks] == ["finished"] * 3
            assert len({task.task_id for task in tasks}) == 3
            messages = [message async for message in api.stream("a lake", **FIELDS)]
            assert messages[-1].message == "Finished"
            (path,) = await api.save(tasks[0], tmp_path / "hill.jpg")
            assert path.read_bytes()[:2] == b"\xff\xd8"
            assert [update.kind async for update in api.tasks.watch(tasks[0].task_id)][-1] == "finished"
            batch = await api.batches.create([{"prompt": "a cat", **QUICK}])
            events = [event async for event in api.batches.watch(batch.batch_id)]
            assert [event.status for event in events if isinstance(event, BatchResult)] == ["succeeded"]
            assert (await api.catalog.info()).supported

    asyncio.run(run())
