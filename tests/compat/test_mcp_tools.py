"""Tools of the Model Context Protocol: their schemas, what they take and return, and errors that a model can act on."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.compat.mcp import QUICK, URL, McpClient, task_of, text_of
from fooocus_api.tests.support.host import Host, demo_host

NAMES = [
    "generate_image",
    "edit_image",
    "describe_image",
    "list_styles",
    "list_models",
    "list_presets",
    "get_task",
    "stop_task",
]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=1) as running:
        yield running


@pytest.fixture(scope="module", params=[False, True], ids=["legacy", "modern"])
def client(request: pytest.FixtureRequest, host: Host) -> McpClient:
    return McpClient(host.url, modern=request.param)


@pytest.fixture(scope="module")
def mcp(host: Host) -> McpClient:
    return McpClient(host.url)


@pytest.fixture(scope="module")
def first(mcp: McpClient) -> dict[str, Any]:
    """Return the result of a first image."""
    return mcp.call("generate_image", **QUICK)


def image_uri(colour: str = "red", size: tuple[int, int] = (64, 64)) -> str:
    buffer = io.BytesIO()
    PILImage.new("RGB", size, colour).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def images_of(result: dict[str, Any]) -> list[PILImage.Image]:
    blocks = [block for block in result["content"] if block["type"] == "image"]
    images: list[PILImage.Image] = [PILImage.open(io.BytesIO(base64.b64decode(block["data"]))) for block in blocks]
    assert [block["mimeType"] for block in blocks] == [f"image/{str(image.format).lower()}" for image in images]
    return images


# ------------------------------------------------------------------------- the list


def test_tools_are_listed_in_order_with_flat_schemas(client: McpClient) -> None:
    tools = client.tools()
    assert list(tools) == NAMES
    for tool in tools.values():
        schema = tool["inputSchema"]
        assert schema["type"] == "object" and schema["additionalProperties"] is False
        assert not any(word in json.dumps(schema) for word in ("$ref", "anyOf", "oneOf", "allOf", "null"))
        assert all({"type", "description"} <= set(one) for one in schema.get("properties", {}).values())
        hints = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
        assert all(isinstance(tool["annotations"][hint], bool) for hint in hints)
        assert "outputSchema" not in tool and tool["description"] and len(tool["name"]) < 40
    assert "Lightning" in tools["generate_image"]["inputSchema"]["properties"]["performance"]["enum"]
    assert tools["generate_image"]["inputSchema"]["required"] == ["prompt"]
    assert tools["stop_task"]["annotations"]["destructiveHint"] and tools["get_task"]["annotations"]["readOnlyHint"]
    assert len(json.dumps(list(tools.values()))) < 10_000  # each conversation pays for it


# ------------------------------------------------------------------------- generating


def test_an_image_comes_with_its_link_and_a_text(client: McpClient, host: Host) -> None:
    result = client.call("generate_image", **QUICK, seed=7, aspect_ratio="1:1")
    assert [block["type"] for block in result["content"]] == ["image", "resource_link", "text"]
    assert result["isError"] is False
    image, link = images_of(result)[0], result["content"][1]
    text = text_of(result)
    assert "seed 7" in text and URL.findall(text) == [link["uri"]] and f"{image.width}x{image.height}" in text
    assert image.width == image.height
    full = requests.get(link["uri"], timeout=30)
    assert full.headers["content-type"] == link["mimeType"] == "image/png"
    record = Client(host.url).get(f"/tasks/{task_of(result)}").json()
    assert record["req_params"]["prompt"] == "a cat" and record["req_params"]["image_seed"] == 7


def test_an_older_client_gets_no_links(host: Host) -> None:
    result = McpClient(host.url, version="2025-03-26").call("generate_image", **QUICK)
    assert [block["type"] for block in result["content"]] == ["image", "text"]


def test_json_alone_is_answered_with_json(host: Host) -> None:
    response = McpClient(host.url, accept="application/json").request(
        "tools/call", {"name": "generate_image", "arguments": QUICK}
    )
    assert response.headers["content-type"] == "application/json"
    assert images_of(response.json()["result"])


def test_several_images_fit_into_one_result(mcp: McpClient) -> None:
    response = mcp.request("tools/call", {"name": "generate_image", "arguments": {**QUICK, "count": 4}})
    assert len(response.content) < 2**20
    assert response.text.count('"type": "image"') == 4


def test_an_image_has_the_size_asked_for(mcp: McpClient) -> None:
    result = mcp.call("generate_image", **QUICK, aspect_ratio="500x400")
    (url,) = URL.findall(text_of(result))
    with PILImage.open(io.BytesIO(requests.get(url, timeout=30).content)) as full:
        assert full.size == (500, 400) == images_of(result)[0].size
    assert "500x400" in text_of(result)


def test_every_argument_reaches_the_task(mcp: McpClient, host: Host) -> None:
    tools = mcp.tools()["generate_image"]["inputSchema"]["properties"]
    style = text_of(mcp.call("list_styles")).splitlines()[-1]
    model = text_of(mcp.call("list_models")).splitlines()[-1].removesuffix(" (default)")
    given = {
        "prompt": "p",
        "negative_prompt": "n",
        "aspect_ratio": "16:9",
        "styles": [style],
        "performance": "Lightning",
        "count": 2,
        "seed": 11,
        "model": model,
        "preset": "initial",
    }
    assert set(given) == set(tools)
    params = Client(host.url).get(f"/tasks/{task_of(mcp.call('generate_image', **given))}").json()["req_params"]
    assert (params["prompt"], params["negative_prompt"], params["image_number"]) == ("p", "n", 2)
    assert (params["style_selections"], params["base_model_name"], params["image_seed"]) == ([style], model, 11)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, ["prompt", "required"]),
        ({"prompt": "  "}, ["prompt", "empty"]),
        ({"prompt": 5}, ["prompt", "text"]),
        ({**QUICK, "count": 5}, ["count", "1 to 4"]),
        ({**QUICK, "count": "many"}, ["count", "integer"]),
        ({**QUICK, "seed": -1}, ["seed", "0 to"]),
        ({**QUICK, "performance": "Fast"}, ["performance", "Lightning"]),
        ({**QUICK, "styles": ["Fooocus V"]}, ["styles", "Fooocus V2"]),
        ({**QUICK, "styles": 5}, ["styles", "list"]),
        ({**QUICK, "model": "none"}, ["model", ".safetensors"]),
        ({**QUICK, "preset": "none such"}, ["preset"]),
        ({**QUICK, "aspect_ratio": "wide"}, ["aspect_ratio", "16:9"]),
        ({**QUICK, "aspect_ratio": "9000x9000"}, ["aspect_ratio", "2048"]),
        ({**QUICK, "width": 512, "promt": 5}, ["width", "promt", "did you mean prompt?"]),
        ([], ["arguments", "object"]),
        ("text", ["arguments", "object"]),
    ],
    ids=repr,
)
def test_a_wrong_argument_is_named_with_what_is_allowed(mcp: McpClient, arguments: Any, words: list[str]) -> None:
    result = mcp.rpc("tools/call", {"name": "generate_image", "arguments": arguments})
    assert result["isError"] is True
    assert all(word in text_of(result) for word in words), text_of(result)


# ------------------------------------------------------------------------- editing and describing


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "vary_subtle"},
        {"mode": "vary_strong", "prompt": "a dog"},
        {"mode": "upscale"},
        {"mode": "inpaint", "prompt": "a hat", "mask": image_uri("white")},
        {"mode": "outpaint", "directions": ["left", "top"]},
    ],
    ids=lambda arguments: arguments["mode"],
)
def test_each_mode_edits(mcp: McpClient, arguments: dict[str, Any]) -> None:
    result = mcp.call("edit_image", image=image_uri(), **arguments)
    assert result["isError"] is False, text_of(result)
    assert images_of(result)


def test_an_image_is_edited_by_its_url(mcp: McpClient, first: dict[str, Any]) -> None:
    (url,) = URL.findall(text_of(first))
    assert images_of(mcp.call("edit_image", image=url, mode="vary_subtle", prompt="a dog"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mode": "vary_subtle"}, ["image", "required"]),
        ({"image": image_uri()}, ["mode", "required"]),
        ({"image": image_uri(), "mode": "paint"}, ["mode", "vary_subtle"]),
        ({"image": "cat.png", "mode": "upscale"}, ["image:", "URL"]),
        ({"image": "data:image/png;base64,AAAA", "mode": "upscale"}, ["image:"]),
        ({"image": image_uri(), "mode": "inpaint"}, ["mask", "required"]),
        ({"image": image_uri(), "mode": "inpaint", "mask": "x"}, ["mask:"]),
        ({"image": image_uri(), "mode": "upscale", "mask": image_uri()}, ["mask", "no effect"]),
        ({"image": image_uri(), "mode": "outpaint"}, ["directions", "required"]),
        ({"image": image_uri(), "mode": "outpaint", "directions": ["up"]}, ["directions", "left"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_edit_is_named(mcp: McpClient, arguments: dict[str, Any], words: list[str]) -> None:
    result = mcp.call("edit_image", **arguments)
    assert result["isError"] is True
    assert all(word in text_of(result) for word in words), text_of(result)


def test_an_image_is_described(client: McpClient) -> None:
    captions = {
        kind: text_of(client.call("describe_image", image=image_uri(), kind=kind)) for kind in ("photo", "anime")
    }
    assert all(captions.values()) and captions["photo"] != captions["anime"]
    refused = client.call("describe_image", image="none")
    assert refused["isError"] is True and "image" in text_of(refused)


# ------------------------------------------------------------------------- names and tasks


def test_names_are_listed(client: McpClient, host: Host) -> None:
    api = Client(host.url)
    styles = text_of(client.call("list_styles")).splitlines()
    assert styles == api.get("/v1/engines/styles").json()
    found = text_of(client.call("list_styles", search="FOOOCUS")).splitlines()
    assert 0 < len(found) < len(styles) and all("fooocus" in name.lower() for name in found)
    assert "No style" in text_of(client.call("list_styles", search="none such"))
    assert text_of(client.call("list_presets")).splitlines() == api.get("/v1/engines/presets").json()
    assert "(default)" in text_of(client.call("list_models"))
    assert client.call("list_models", search="x")["isError"] is True


def test_a_task_is_found_again(client: McpClient, first: dict[str, Any]) -> None:
    task_id = task_of(first)
    again = client.call("get_task", task_id=task_id)
    assert again["content"][0] == first["content"][0] and URL.findall(text_of(again)) == URL.findall(text_of(first))
    ended = client.call("stop_task", task_id=task_id)
    assert ended["isError"] is True and "already ended" in text_of(ended)
    for tool in ("get_task", "stop_task"):
        missing = client.call(tool, task_id="0" * 32)
        assert missing["isError"] is True and "does not exist" in text_of(missing)


def test_an_image_that_was_deleted_is_named(mcp: McpClient, host: Host) -> None:
    result = mcp.call("generate_image", **QUICK)
    for path in host.images():
        if path.name in text_of(result):
            path.unlink()
    again = mcp.call("get_task", task_id=task_of(result))
    assert again["isError"] is True and "does not exist" in text_of(again)
