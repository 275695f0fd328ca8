"""Keys and the Model Context Protocol: scopes decide on the tools, a key sees its own tasks, and there is no OAuth server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.compat.mcp import QUICK, URL, McpClient, task_of, text_of
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key, key_of

LISTS = ["list_styles", "list_models", "list_presets"]
TOOLS = {
    "generate": ["generate_image", "edit_image", "describe_image", *LISTS],
    "read": [*LISTS, "get_task"],
    "read-all": [*LISTS, "get_task"],
    "control": [*LISTS, "stop_task"],
    "admin": LISTS,
}
DISCOVERY = [
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/mcp",
    "/.well-known/openid-configuration",
    "/.well-known/openid-configuration/mcp",
    "/mcp/.well-known/openid-configuration",
]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host() as running:
        yield running


@pytest.fixture(scope="module")
def keys(host: Host) -> dict[str, str]:
    """Return a key for each scope, and two usual ones."""
    found = {scope: key_of(add_key(host, f"only-{scope}", "--scopes", scope)) for scope in TOOLS}
    return {**found, **{name: key_of(add_key(host, name)) for name in ("ann", "bob")}}


@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
@pytest.mark.parametrize("scope", TOOLS)
def test_a_key_is_offered_what_its_scopes_allow(host: Host, keys: dict[str, str], scope: str, modern: bool) -> None:
    client = McpClient(host.url, keys[scope], modern=modern)
    assert list(client.tools()) == TOOLS[scope]
    for tool in {tool for tools in TOOLS.values() for tool in tools} - set(TOOLS[scope]):
        refused = client.call(tool, prompt="a cat")
        assert refused["isError"] is True and "scope" in text_of(refused)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"X-API-KEY": "wrong"}])
def test_without_a_key_the_answer_is_401_and_names_no_oauth_server(
    host: Host, keys: dict[str, str], headers: dict[str, str]
) -> None:
    client = McpClient(host.url)
    response = client.send({"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers={**client.headers(), **headers})
    assert response.status_code == 401
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith("Bearer") and "resource_metadata" not in challenge
    body = response.json()
    assert body["error"]["code"] == 401 and body["error"]["data"]["code"] == "unauthorized" and body["id"] is None
    assert "API key" in body["error"]["message"]


def test_either_header_of_a_key_is_read(host: Host, keys: dict[str, str]) -> None:
    client = McpClient(host.url)
    response = client.send(client.message("ping"), headers={**client.headers(), "X-API-KEY": keys["ann"]})
    assert response.json()["result"] == {}


@pytest.mark.parametrize("flags", [(), ("--nowebui",)], ids=["with the WebUI", "API alone"])
def test_no_oauth_server_is_found(demo_factory: DemoFactory, flags: tuple[str, ...]) -> None:
    host = demo_factory(*flags, "--apikey", "secret")
    for path in DISCOVERY:
        response = requests.get(host.url + path, timeout=30)
        assert response.status_code == 404 and "html" not in response.headers["content-type"], path
    registration = requests.post(f"{host.url}/register", json={"client_name": "x"}, timeout=30)
    assert registration.status_code in (404, 405) and "html" not in registration.headers["content-type"]


def test_a_key_sees_its_own_tasks_alone(host: Host, keys: dict[str, str]) -> None:
    ann, bob = McpClient(host.url, keys["ann"]), McpClient(host.url, keys["bob"])
    task_id = task_of(ann.call("generate_image", **QUICK))
    assert ann.call("get_task", task_id=task_id)["isError"] is False
    for client, tool in ((bob, "get_task"), (bob, "stop_task"), (McpClient(host.url, keys["read"]), "get_task")):
        hidden = client.call(tool, task_id=task_id)
        assert hidden["isError"] is True and "does not exist" in text_of(hidden)
    assert McpClient(host.url, keys["read-all"]).call("get_task", task_id=task_id)["isError"] is False


def test_links_are_signed(host: Host, keys: dict[str, str]) -> None:
    result = McpClient(host.url, keys["generate"]).call("generate_image", **QUICK)
    (url,) = URL.findall(text_of(result))
    assert "signature=" in url and requests.get(url, timeout=30).status_code == 200
    assert requests.get(url.partition("?")[0], timeout=30).status_code == 401
    edited = McpClient(host.url, keys["bob"]).call("edit_image", image=url.partition("?")[0], mode="upscale")
    assert edited["isError"] is True and "image" in text_of(edited)  # of another key


def test_a_page_of_another_origin_is_refused(host: Host, keys: dict[str, str]) -> None:
    client = McpClient(host.url, keys["ann"])
    headers = {**client.headers(), "Origin": "https://evil.example"}
    response = client.send(client.message("tools/list"), headers=headers)
    assert response.status_code == 403
    error: dict[str, Any] = response.json()["error"]
    assert error["data"]["code"] == "cross_origin_rejected"


def test_it_can_be_switched_off(demo_factory: DemoFactory) -> None:
    host = demo_factory("--compat", "none")
    response = McpClient(host.url).request("tools/list")
    assert response.status_code == 404 and "--compat" in response.text
