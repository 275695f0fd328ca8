"""Images that a user of a soak requests as clients of other programs do: OpenAI, AUTOMATIC1111, Fooocus-API and MCP.

A violation raises AssertionError.
"""

from __future__ import annotations

import json
import re
from typing import Any

import requests

from ..support.client import QUICK, picture
from ..support.compat import a1111, legacy
from ..support.compat.mcp import McpClient, messages, task_of
from .invariants import in_base64, new_picture
from .simulated_user import SimulatedUser

Fields = dict[str, Any]
ANSWERS = (200, 400, 409, 500)
"""Statuses of an accepted request: its images, or the reason why there are none."""
FAILED_TASK = re.compile(r"[Tt]ask:? ([0-9a-f]{32})")
"""The task in a tool's result without images."""
READ_ONLY_PATHS = (
    *("/v1/models", "/v1/openapi/openai.json", "/sdapi/v1/sd-models", "/sdapi/v1/options", "/sdapi/v1/progress"),
    *("/v1/generation/job-queue", "/v1/generation/job-history", "/v1/engines/all-models"),
)


def other_program(user: SimulatedUser) -> None:
    """Generate as a client of another program does, or read as it does."""
    ways = (openai, openai_edit, openai_stream, a1111_text, legacy_sync, legacy_async, mcp, read)
    way = user.chance.choice(ways)
    user.ledger.count(way.__name__)
    way(user, {"prompt": f"soak {user.chance.getrandbits(64):x}", "image_number": user.chance.choice((1, 1, 2))})


def _settled(user: SimulatedUser, response: requests.Response, fields: Fields) -> str | None:
    """Record the task of an answered request, and check that only a task that was stopped has no images."""
    if not user.ledger.answered(response, *ANSWERS):
        user.refuse(fields, response)
        return None
    task_id = response.headers.get("x-task-id") or user.found(fields["prompt"])
    assert task_id is not None, f"{response.status_code} without a task: {response.text[:1000]}"
    user.note(task_id, fields)
    if response.status_code != 200:
        user.ledger.assert_may_fail(task_id, response)
        return None
    return task_id


def openai(user: SimulatedUser, fields: Fields) -> None:
    form = user.chance.choice(("url", "b64_json"))
    body = {**QUICK, "prompt": fields["prompt"], "n": fields["image_number"], "response_format": form}
    del body["image_number"]
    response = user.client.post("/v1/images/generations", json={**body, "steps": user.chance.choice((1, 5, 20))})
    if _settled(user, response, fields) is not None:
        for image in response.json()["data"]:
            assert image.get(form), response.text[:1000]


def openai_edit(user: SimulatedUser, fields: Fields) -> None:
    form = {"prompt": fields["prompt"], "n": "1", "steps": "2", "quality": "low"}
    files = {"image": ("a.png", new_picture(user.chance), "image/png")}
    response = user.client.post("/v1/images/edits", data=form, files=files)
    _settled(user, response, {**fields, "image_number": 1})


def openai_stream(user: SimulatedUser, fields: Fields) -> None:
    body = {**QUICK, "prompt": fields["prompt"], "n": 1, "steps": 5, "stream": True, "partial_images": 2}
    del body["image_number"]
    fields["image_number"] = 1
    leaves = user.chance.random() < 0.3
    with user.client.post("/v1/images/generations", json=body, stream=True) as response:
        if not user.ledger.answered(response, 200):
            user.refuse(fields, response)
            return
        task_id = response.headers["x-task-id"]
        user.note(task_id, fields)
        if leaves:
            return
        lines = [line for line in response.iter_lines() if line.startswith(b"data: {")]
    last = json.loads(lines[-1].removeprefix(b"data: "))
    if last.get("type") != "image_generation.completed":
        user.ledger.assert_may_fail(task_id, response, str(last)[:1000])


def a1111_text(user: SimulatedUser, fields: Fields) -> None:
    body = {**a1111.QUICK, "prompt": fields["prompt"], "n_iter": fields["image_number"], "width": 256, "height": 256}
    response = user.client.post(f"{a1111.API}/txt2img", json=body)
    if _settled(user, response, fields) is not None:
        for image in response.json()["images"]:
            assert a1111.decoded(image).size == (256, 256)


def legacy_sync(user: SimulatedUser, fields: Fields) -> None:
    path, body = legacy.TEXT, {**legacy.QUICK, **fields}
    if user.chance.random() < 0.3:
        image = in_base64(new_picture(user.chance))
        path = "/v2/generation/image-upscale-vary"
        body |= {"input_image": image, "uov_method": "Vary (Subtle)"}
    response = user.client.post(path, json=body)
    if _settled(user, response, fields) is not None:
        for image in response.json():
            if image["finish_reason"] == "SUCCESS" and image["url"]:
                shown = user.stranger.get(image["url"])
                assert shown.status_code in (200, 404, 410), shown.status_code
                assert shown.status_code != 200 or picture(shown.content)


def legacy_async(user: SimulatedUser, fields: Fields) -> None:
    response = user.client.post(legacy.TEXT, json={**legacy.QUICK, **fields, "async_process": True})
    if (task_id := _settled(user, response, fields)) is None:
        return
    job_id = response.json()["job_id"]
    job = user.client.get(legacy.QUERY, params={"job_id": job_id, "require_step_preview": "true"})
    if user.ledger.answered(job, 200, 404):
        assert job.status_code == 200 or "delete" in user.ledger.given[task_id].asked, job.text
        assert job.status_code == 404 or job.json()["job_id"] == job_id, job.text
    if user.chance.random() < 0.2:
        user.ledger.ask(task_id, "stop")
        user.ledger.answered(user.client.post(legacy.STOP, json={"job_id": job_id}), 200, 404)


def mcp(user: SimulatedUser, fields: Fields) -> None:
    """Call the tools of the Model Context Protocol, of either era."""
    client = McpClient(user.client.url, user.key, modern=user.chance.random() < 0.5)
    fields["image_number"] = 1
    call = {"name": "generate_image", "arguments": {"prompt": fields["prompt"], "performance": "Lightning"}}
    response = client.request("tools/call", call)
    if not user.ledger.answered(response, 200):
        user.refuse(fields, response)
        return
    result = dict(messages(response)[-1]["result"])
    if result.get("isError"):
        named = FAILED_TASK.search(str(result)[:2000])
        if named is None:
            assert user.ledger.outages.excuse() is not None, result
            user.refuse(fields, response)
            return
        task_id = named[1]
        user.note(task_id, fields)
        user.ledger.assert_may_fail(task_id, response, str(result)[:1000])
        return
    user.note(task_of(result), fields)
    name = user.chance.choice(("list_styles", "list_models", "list_presets"))
    listed = client.request("tools/call", {"name": name, "arguments": {}})
    if user.ledger.answered(listed, 200):
        assert not messages(listed)[-1]["result"].get("isError"), listed.text[:1000]


def read(user: SimulatedUser, _: Fields) -> None:
    response = user.client.get(user.chance.choice(READ_ONLY_PATHS))
    user.ledger.answered(response, 200)
