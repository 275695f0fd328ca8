"""Clients of all surfaces, a native stream and a click in the WebUI at once: each gets its own images, and one is cancelled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from fooocus_api.tests.support.client import QUICK, Client, Record, wait_for
from fooocus_api.tests.support.compat import a1111, legacy
from fooocus_api.tests.support.host import Host, demo_host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser

STEPS = {"performance_selection": "Lightning", "overwrite_step": 3, "overwrite_width": 256, "overwrite_height": 256}


def openai_image(host: Host) -> str:
    body = {"prompt": "of openai", "style_selections": [], **STEPS}
    answer = requests.post(f"{host.url}/v1/images/generations", json=body, timeout=120).json()
    return str(answer["data"][0]["url"])


def streamed_image(client: Client) -> str:
    *_, last = client.stream(**{**QUICK, **STEPS, "prompt": "of the stream"})
    assert last.data["message"] == "Finished"
    return str(last.data["images"][0])


def mcp_image(host: Host) -> str:
    """Return the URL in the result of a tool that is called as MCP's clients of 2025 call it."""
    call = {"name": "generate_image", "arguments": {"prompt": "of mcp", "performance": "Lightning"}}
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    answer = requests.post(f"{host.url}/mcp", json=message, headers=headers, timeout=120).text
    assert '"isError":true' not in answer.replace(" ", ""), answer
    return next(word for word in answer.replace('"', " ").replace("\\n", " ").split() if "/outputs/" in word)


def names(urls: list[str]) -> list[str]:
    return [PurePosixPath(urlsplit(url).path).name for url in urls]


def test_each_gets_its_own_and_one_is_cancelled(browser: Browser) -> None:
    with demo_host(step_ms=100) as host, ThreadPoolExecutor() as pool:
        client, a1111_client = Client(host.url), a1111.A1111(host)
        browser.open(host.url).quick(steps=3)
        first = client.submit(**{**QUICK, **STEPS, "overwrite_step": 200, "prompt": "occupies the worker"})
        job = legacy.post(client, prompt="of fooocus-api", async_process=True).json()["job_id"]
        kept = legacy.post(client, prompt="of fooocus-api too", async_process=True).json()["job_id"]
        futures: dict[str, Any] = {
            "of openai": pool.submit(openai_image, host),
            "of the stream": pool.submit(streamed_image, client),
            "of mcp": pool.submit(mcp_image, host),
        }
        drawn = pool.submit(a1111_client.draw, prompt="of a1111", width=512, height=512)
        browser.generate("of the webui")
        client.has_tasks(running=1, pending=7)
        assert client.post(f"/tasks/{first['task_id']}/stop").status_code < 300
        stopped = client.post(legacy.STOP, json={"job_id": job})
        assert stopped.json() == {"msg": "success"}
        answers = {prompt: names([future.result()]) for prompt, future in futures.items()}
        (image,), info = drawn.result()
        assert image.size == (512, 512) and info["prompt"] == "of a1111"
        wait_for(lambda: client.task(kept)["task_status"] == "finished", "the other job")
        assert browser.images()
        wait_for(lambda: not any(client.tasks()[name] for name in ("pending", "current")), "the queue to be empty")
        records: dict[str, Record] = {
            str(record["req_params"]["prompt"]): record
            for record in client.tasks(query="history", page_size=100)["history"]
        }
    assert records.pop("of fooocus-api")["task_status"] == "stopped"
    assert records.pop("occupies the worker")["task_status"] == "stopped"
    assert {record["task_status"] for record in records.values()} == {"finished"} and len(records) == 6
    for prompt, images in answers.items():
        assert names(records[prompt]["result"]) == images, prompt
    assert records["of a1111"]["images"][0]["seed"] == info["seed"] < 2**32
    assert {prompt: record["source"] for prompt, record in records.items() if record["source"] != "api"} == {
        "of the webui": "webui"
    }
