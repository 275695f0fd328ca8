"""Real, unmodified clients of the Model Context Protocol: the Python SDK 2.x, and others in environments of their own."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.support.compat.mcp_environments import node_environment, python_environment
from fooocus_api.tests.support.host import ROOT, Host, demo_host
from fooocus_api.tests.support.keys import add_key, key_of

TOOLS = [
    "generate_image",
    "edit_image",
    "describe_image",
    "list_styles",
    "list_models",
    "list_presets",
    "get_task",
    "stop_task",
]
SLOW = {"prompt": "a cat", "performance": "Speed", "seed": 5}
"""A call with several notifications of progress."""
SCRIPTS = ROOT / "tests" / "support" / "compat" / "mcp_scripts"
PYTHON_1 = "mcp==1.30.0"
NODE = ("@modelcontextprotocol/sdk@1.32.2", "@modelcontextprotocol/client@2.4.0", "mcp-remote@0.15.1")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=40) as running:
        yield running


@pytest.fixture(scope="module")
def keyed() -> Iterator[Host]:
    with demo_host(step_ms=40) as running:
        yield running


@pytest.fixture(scope="module")
def key(keyed: Host) -> str:
    return key_of(add_key(keyed, "client"))


def check(found: dict[str, Any], version: str) -> None:
    """Check what a client has seen."""
    assert found["version"] in (version, None) and found["tools"] == TOOLS
    assert found["blocks"] == ["image", "resource_link", "text"]
    with PILImage.open(io.BytesIO(base64.b64decode(found["image"]))) as image:
        assert min(image.size) > 500
    assert len(found["progress"]) >= 2 and found["progress"] == sorted(set(found["progress"]))
    assert "count: must be 1 to 4" in found["error"]


# ------------------------------------------------------------------------- Python 2.x


async def session(client: Any) -> dict[str, Any]:
    progress: list[float] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        progress.append(done)

    async with client as opened:
        tools = await opened.list_tools()
        result = await opened.call_tool("generate_image", SLOW, progress_callback=note)
        wrong = await opened.call_tool("generate_image", {"prompt": "x", "count": 9})
        version = opened.protocol_version
    return {
        "version": version,
        "tools": [tool.name for tool in tools.tools],
        "blocks": [block.type for block in result.content],
        "image": next(block.data for block in result.content if block.type == "image"),
        "progress": progress,
        "error": wrong.content[0].text if wrong.is_error else None,
    }


@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
def test_the_python_client_2(host: Host, mode: str, version: str) -> None:
    mcp = pytest.importorskip("mcp", reason="mcp is not installed: its client is skipped")
    check(asyncio.run(session(mcp.Client(f"{host.url}/mcp", mode=mode))), version)


def test_the_python_client_2_with_a_key(keyed: Host, key: str) -> None:
    mcp = pytest.importorskip("mcp", reason="mcp is not installed: its client is skipped")
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async def seen(headers: dict[str, str]) -> dict[str, Any]:
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            return await session(mcp.Client(streamable_http_client(f"{keyed.url}/mcp", http_client=http)))

    check(asyncio.run(seen({"Authorization": f"Bearer {key}"})), "2026-07-28")
    with pytest.raises(Exception) as failure:  # noqa: PT011  # an ExceptionGroup of the client's own
        asyncio.run(seen({}))
    assert "API key is required" in repr(messages_of(failure.value))


def messages_of(error: BaseException) -> list[str]:
    """Return the messages of an exception and of those inside it."""
    inside = getattr(error, "exceptions", ())
    return [str(error), *(message for one in inside for message in messages_of(one))]


@pytest.mark.parametrize("language", ["", "_zh"])
def test_the_example_of_the_page_runs(
    host: Host, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mcp", reason="mcp is not installed: its client is skipped")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / f"compat-mcp{language}.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)
    exec(compile(code.replace("http://127.0.0.1:7865", host.url), "the page", "exec"), {})
    with PILImage.open(tmp_path / "lighthouse.png") as image:
        assert min(image.size) > 500
    assert "Task: " in capsys.readouterr().out


# ------------------------------------------------------------------------- environments of their own


@pytest.mark.nightly
def test_the_python_client_1(host: Host, keyed: Host, key: str, tmp_path: Path) -> None:
    python = python_environment(tmp_path / "environment", PYTHON_1)
    for server, own_key in ((host, ""), (keyed, key)):
        command = [str(python), str(SCRIPTS / "python_1.py"), f"{server.url}/mcp", own_key, json.dumps(SLOW)]
        check(result_of(command, tmp_path), "2025-11-25")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = node_environment(tmp_path_factory.mktemp("node"), *NODE)
    shutil.copy(SCRIPTS / "typescript.mjs", folder)
    return folder


@pytest.mark.nightly
@pytest.mark.parametrize("own", [False, True], ids=["open", "keyed"])
@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("1", "2025-11-25"),
        ("2", "2025-11-25"),
        ("2-auto", "2026-07-28"),
        ("2-modern", "2026-07-28"),
        ("remote", "2025-11-25"),
    ],
)
def test_the_typescript_clients(
    host: Host, keyed: Host, key: str, node: Path, line: str, version: str, own: bool
) -> None:
    server, own_key = (keyed, key) if own else (host, "")
    command = ["node", "typescript.mjs", line, f"{server.url}/mcp", own_key, json.dumps(SLOW)]
    check(result_of(command, node), version)


def result_of(command: list[str], folder: Path) -> dict[str, Any]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))
