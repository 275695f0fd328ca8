"""Raw client of the Model Context Protocol: one POST for each message, in either era."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
META = "io.modelcontextprotocol/"
QUICK = {"prompt": "a cat", "performance": "Lightning"}
"""Cheapest call of `generate_image`."""
TASK = re.compile(r"Task: ([0-9a-f]{32})")
URL = re.compile(r"Image \d+: (\S+)")


@dataclass
class McpClient:
    """Client of a host.

    Args:
        url: address of the host, without a trailing slash.
        key: sent as a bearer token.
        modern: whether to speak the newest version.
    """

    url: str
    key: str | None = None
    modern: bool = False
    session: str | None = None
    version: str = LEGACY
    accept: str = "application/json, text/event-stream"
    ids: Iterator[int] = field(default_factory=itertools.count)

    def headers(self, method: str = "", params: dict[str, Any] | None = None) -> dict[str, str]:
        """Return the headers of a message."""
        found = {"Accept": self.accept, "Content-Type": "application/json"}
        found["MCP-Protocol-Version"] = MODERN if self.modern else self.version
        if self.modern:
            found["Mcp-Method"] = method
            if "name" in (params or {}):
                found["Mcp-Name"] = str((params or {})["name"])
        if self.key:
            found["Authorization"] = f"Bearer {self.key}"
        if self.session:
            found["Mcp-Session-Id"] = self.session
        return found

    def message(self, method: str, params: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
        """Return a request; `members` are further ones, or others in place of the usual ones."""
        params = dict(params or {})
        if self.modern:
            own = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
            params["_meta"] = {**own, **params.get("_meta", {})}
        return {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params, **members}

    def send(self, body: Any, headers: dict[str, str] | None = None, **arguments: Any) -> requests.Response:
        """Send a body as it is: text and bytes, or a value as JSON."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return requests.post(
            f"{self.url}/mcp", data=content, headers=headers or self.headers(), **{"timeout": 120, **arguments}
        )

    def request(
        self, method: str, params: dict[str, Any] | None = None, *, stream: bool = False, **members: Any
    ) -> requests.Response:
        """Send a request and return the response."""
        return self.send(self.message(method, params, **members), headers=self.headers(method, params), stream=stream)

    def rpc(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and return its result."""
        return dict(messages(self.request(method, params))[-1]["result"])

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its result."""
        return self.rpc("tools/call", {"name": tool, "arguments": arguments})

    def tools(self) -> dict[str, Any]:
        """Return the tools by their names, in the order of the list."""
        return {tool["name"]: tool for tool in self.rpc("tools/list")["tools"]}


def messages(response: requests.Response) -> list[dict[str, Any]]:
    """Return the messages of a response, of JSON or a stream."""
    if not response.headers["content-type"].startswith("text/event-stream"):
        return [response.json()]
    lines = response.content.decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def text_of(result: dict[str, Any]) -> str:
    """Return the text of a tool's result."""
    return "\n".join(block["text"] for block in result["content"] if block["type"] == "text")


def task_of(result: dict[str, Any]) -> str:
    """Return the id of the task in a tool's result."""
    found = TASK.search(text_of(result))
    assert found is not None, text_of(result)
    return found[1]
