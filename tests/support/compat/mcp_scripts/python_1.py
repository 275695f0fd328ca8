"""Session of a client of the mcp package 1.x, which has an environment of its own: `python_1.py URL KEY ARGUMENTS`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


async def main(url: str, key: str, arguments: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"} if key else None
    progress: list[float] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        progress.append(done)

    async with streamablehttp_client(url, headers=headers) as (read, write, _), ClientSession(read, write) as session:
        opened = await session.initialize()
        tools = await session.list_tools()
        result = await session.call_tool("generate_image", arguments, progress_callback=note)
        wrong = await session.call_tool("generate_image", {"prompt": "x", "count": 9})
    return {
        "version": opened.protocolVersion,
        "tools": [tool.name for tool in tools.tools],
        "blocks": [block.type for block in result.content],
        "image": next(block.data for block in result.content if block.type == "image"),
        "progress": progress,
        "error": wrong.content[0].text if wrong.isError else None,
    }


print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))))
