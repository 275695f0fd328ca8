"""Unmodified clients of the compatible APIs with a key, against a real Fooocus that asks for one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.compat import legacy
from fooocus_api.tests.support.host import Host, real_host

pytestmark = pytest.mark.real

KEY = "a-key-of-the-real-tests"
PATIENCE_S = 1200
SMALL: dict[str, Any] = {"overwrite_width": 256, "overwrite_height": 256, "overwrite_step": 1, "style_selections": []}
SETTINGS = {"fooocus_performance": "Speed", "fooocus_styles": []}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with real_host("--apikey", KEY) as running:
        yield running


def test_openai(host: Host) -> None:
    openai = pytest.importorskip("openai", reason="openai is not installed: its client is skipped")
    client = openai.OpenAI(base_url=f"{host.url}/v1", api_key=KEY, max_retries=0, timeout=PATIENCE_S)
    found = client.images.generate(prompt="a red kite", response_format="b64_json", extra_body={**SMALL, "seed": 5})
    assert base64.b64decode(found.data[0].b64_json).startswith(b"\x89PNG") and found.data[0].seed == 5
    linked = client.images.generate(prompt="a red kite", response_format="url", extra_body={**SMALL, "seed": 5})
    assert requests.get(linked.data[0].url, timeout=60).status_code == 200  # a signed link, which opens without the key
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{host.url}/v1", api_key="wrong", max_retries=0).models.list()


def test_webuiapi(host: Host) -> None:
    webuiapi = pytest.importorskip("webuiapi", reason="webuiapi is not installed: its client is skipped")
    api = webuiapi.WebUIApi(baseurl=f"{host.url}/sdapi/v1", steps=1)
    api.set_auth("anyone", KEY)
    found = api.txt2img(prompt="a red kite", seed=5, width=512, height=512, steps=1, override_settings=SETTINGS)
    assert found.image.size == (512, 512) and found.info["all_seeds"] == [5]
    api.set_auth("anyone", "wrong")
    with pytest.raises(RuntimeError, match="401"):
        api.txt2img(prompt="a red kite", steps=1)


def test_fooocus_api(host: Host) -> None:
    client = Client(host.url, KEY, patience=PATIENCE_S)
    fields = {**legacy.QUICK, "prompt": "a red kite", "image_seed": 5}
    job = client.post(legacy.TEXT, json={**fields, "async_process": True}).json()

    def look() -> dict[str, Any] | None:
        found = client.get(legacy.QUERY, params={"job_id": job["job_id"]}).json()
        return found if found["job_status"] == "Finished" else None

    done = wait_for(look, "the job", client.patience)
    assert done["job_stage"] == "SUCCESS" and done["job_result"][0]["seed"] == "5"
    assert requests.post(f"{host.url}{legacy.TEXT}", json=fields, timeout=60).status_code == 403  # as the original


def test_mcp(host: Host) -> None:
    mcp = pytest.importorskip("mcp", reason="mcp is not installed: its client is skipped")
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async def session(headers: dict[str, str]) -> Any:
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            mcp.Client(streamable_http_client(f"{host.url}/mcp", http_client=http)) as client,
        ):
            assert "generate_image" in [tool.name for tool in (await client.list_tools()).tools]
            return await client.call_tool("list_models", {})

    found = asyncio.run(session({"Authorization": f"Bearer {KEY}"}))
    assert not found.is_error and "tiny_sdxl.safetensors" in found.content[0].text
    with pytest.raises(Exception):  # noqa: B017, PT011  # an ExceptionGroup of the client's own
        asyncio.run(session({}))
