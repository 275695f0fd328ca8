"""Messages of the Model Context Protocol in both eras: opening, headers, errors, and bodies that are no messages."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

from fooocus_api.tests.support.compat.mcp import LEGACY, META, MODERN, McpClient, messages
from fooocus_api.tests.support.host import Host


@pytest.fixture(scope="module")
def legacy(demo: Host) -> McpClient:
    return McpClient(demo.url)


@pytest.fixture(scope="module")
def modern(demo: Host) -> McpClient:
    return McpClient(demo.url, modern=True)


def error_of(response: requests.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body["jsonrpc"] == "2.0" and "id" in body and "result" not in body
    return dict(body["error"])


# ------------------------------------------------------------------------- opening


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        (LEGACY, LEGACY),
        (MODERN, LEGACY),
        ("1999-01-01", LEGACY),
        (None, LEGACY),
        ([], LEGACY),
    ],
)
def test_initialize_answers_a_version_of_its_era(legacy: McpClient, asked: Any, answered: str) -> None:
    response = legacy.request("initialize", {"protocolVersion": asked, "capabilities": {}, "clientInfo": {}})
    result = response.json()["result"]
    assert result["protocolVersion"] == answered
    assert result["capabilities"] == {"tools": {"listChanged": False}} and result["serverInfo"]["name"]
    assert response.headers["mcp-session-id"]


def test_a_legacy_client_opens_and_lists(legacy: McpClient) -> None:
    assert legacy.send({"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202
    assert legacy.rpc("ping") == {}
    listed = legacy.rpc("tools/list")
    assert set(listed) == {"tools"}


def test_a_modern_client_discovers_and_lists(modern: McpClient) -> None:
    found = modern.rpc("server/discover")
    assert found["supportedVersions"][0] == MODERN and LEGACY in found["supportedVersions"]
    for result in (found, modern.rpc("tools/list")):
        assert result["resultType"] == "complete"
        assert result["ttlMs"] >= 0 and result["cacheScope"] == "private"
        assert result["_meta"][f"{META}serverInfo"]["name"]


def test_a_modern_client_gets_no_session(modern: McpClient) -> None:
    assert "mcp-session-id" not in modern.request("server/discover").headers


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_other_methods_of_http_are_refused(demo: Host, method: str) -> None:
    response = requests.request(method, f"{demo.url}/mcp", headers={"Accept": "text/event-stream"}, timeout=30)
    assert response.status_code == 405 and response.headers["allow"] == "POST"


@pytest.mark.parametrize("request_id", [0, 1, -1, "0", "", "a" * 1000, 2**200])
def test_an_id_keeps_its_type(legacy: McpClient, request_id: Any) -> None:
    answered = legacy.request("ping", id=request_id).json()["id"]
    assert answered == request_id and type(answered) is type(request_id)


# ------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "method", ["resources/list", "prompts/list", "logging/setLevel", "server/discover", "none/such", ""]
)
def test_an_unknown_method_is_200_in_the_legacy_era(legacy: McpClient, method: str) -> None:
    response = legacy.request(method)
    assert response.status_code == 200 and error_of(response)["code"] == -32601


@pytest.mark.parametrize("method", ["ping", "logging/setLevel", "resources/list", "none/such"])
def test_an_unknown_method_is_404_in_the_modern_era(modern: McpClient, method: str) -> None:
    response = modern.request(method)
    assert response.status_code == 404 and error_of(response)["code"] == -32601


@pytest.mark.parametrize(
    ("params", "word"),
    [({"name": "none_such"}, "generate_image"), ({}, "params.name"), ({"name": 5}, "params.name")],
)
def test_a_call_of_no_tool_is_a_protocol_error(
    legacy: McpClient, modern: McpClient, params: dict[str, Any], word: str
) -> None:
    for client, status in ((legacy, 200), (modern, 400)):
        response = client.request("tools/call", params)
        error = error_of(response)
        assert (response.status_code, error["code"]) == (status, -32602) and word in error["message"]


def test_a_page_that_does_not_exist_is_refused(legacy: McpClient) -> None:
    assert error_of(legacy.request("tools/list", {"cursor": "2"}))["code"] == -32602


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"MCP-Protocol-Version": "2025-11-25"}, "mcp-protocol-version"),
        ({"MCP-Protocol-Version": None}, "mcp-protocol-version"),
        ({"Mcp-Method": "tools/list"}, "mcp-method"),
        ({"Mcp-Method": None}, "mcp-method"),
        ({"Mcp-Name": "stop_task"}, "mcp-name"),
        ({"Mcp-Name": None}, "mcp-name"),
        ({"Mcp-Name": "=?base64?!!!?="}, "mcp-name"),
    ],
)
def test_modern_headers_repeat_the_body(modern: McpClient, changed: dict[str, str | None], word: str) -> None:
    params = {"name": "list_presets"}
    headers: dict[str, Any] = {**modern.headers("tools/call", params), **changed}
    given = {name: value for name, value in headers.items() if value is not None}
    response = modern.send(modern.message("tools/call", params), headers=given)
    error = error_of(response)
    assert response.status_code == 400 and error["code"] == -32020 and word in error["message"]


def test_a_name_in_base64_is_read(modern: McpClient) -> None:
    params = {"name": "list_presets"}
    encoded = base64.b64encode(b"list_presets").decode()
    headers = {**modern.headers("tools/call", params), "Mcp-Name": f"=?base64?{encoded}?="}
    response = modern.send(modern.message("tools/call", params), headers=headers)
    assert response.json()["result"]["isError"] is False


def test_an_unknown_modern_version_is_refused_with_the_known_ones(modern: McpClient) -> None:
    params = {"_meta": {f"{META}protocolVersion": "2099-01-01"}}
    headers = {**modern.headers("tools/list"), "MCP-Protocol-Version": "2099-01-01"}
    response = modern.send(modern.message("tools/list", params), headers=headers)
    error = error_of(response)
    assert response.status_code == 400 and error["code"] == -32022
    assert error["data"]["requested"] == "2099-01-01" and MODERN in error["data"]["supported"]


@pytest.mark.parametrize("version", ["2099-01-01", "nonsense"])
def test_an_unknown_legacy_version_is_refused(demo: Host, version: str) -> None:
    response = McpClient(demo.url, version=version).request("tools/list")
    assert response.status_code == 400 and error_of(response)["code"] == -32022


def test_metadata_decides_on_the_era_and_is_checked(demo: Host, modern: McpClient) -> None:
    bare = modern.message("tools/list")
    del bare["params"]["_meta"]
    assert error_of(modern.send(bare, headers=modern.headers("tools/list")))["code"] == -32602
    no_capabilities = modern.message("tools/list", {"_meta": {f"{META}clientCapabilities": None}})
    assert error_of(modern.send(no_capabilities, headers=modern.headers("tools/list")))["code"] == -32602
    assert McpClient(demo.url, version="").rpc("tools/list")["tools"]  # clients before 2025-06-18 send no header


# ------------------------------------------------------------------------- no messages


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "nonsense",
        b"\xff\xfe",
        "[" * 100_000,
        '{"jsonrpc":"2.0","id":1,"method":"ping","params":' + '{"a":' * 5000 + "1" + "}" * 5001,
        '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
        '{"jsonrpc":"2.0","id":NaN,"method":"ping"}',
        '{"jsonrpc":"2.0","id":1e400,"method":"ping"}',
        '{"jsonrpc":"2.0","id":' + "9" * 5000 + ',"method":"ping"}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_not_json_is_a_parse_error(legacy: McpClient, body: Any) -> None:
    response = legacy.send(body)
    assert response.status_code == 400 and error_of(response)["code"] == -32700


@pytest.mark.parametrize(
    "body",
    [
        [],
        [{"jsonrpc": "2.0", "id": 1, "method": "ping"}],
        [{"jsonrpc": "2.0", "method": "notifications/initialized"}] * 10_000,
        1,
        "text",
        None,
        {},
        {"jsonrpc": "2.0"},
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": {}, "method": "ping"},
        {"jsonrpc": "2.0", "id": [], "method": "ping"},
        {"jsonrpc": "2.0", "id": "x" * 1001, "method": "ping"},
        {"jsonrpc": "2.0", "id": 2**300, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 1, "method": None},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": ""}},
    ],
    ids=lambda body: repr(body)[:50],
)
def test_what_is_no_message_is_refused(legacy: McpClient, body: Any) -> None:
    response = legacy.send(json.dumps(body))
    assert response.status_code == 400 and error_of(response)["code"] == -32600


@pytest.mark.parametrize("params", [[], "text", 5, {"_meta": []}, {"_meta": "x"}, {"_meta": None}])
def test_parameters_of_another_type_are_refused(legacy: McpClient, params: Any) -> None:
    response = legacy.request("tools/list", params={}, id=1)
    assert response.status_code == 200
    response = legacy.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params})
    assert response.status_code == 400 and error_of(response)["code"] == -32602 and response.json()["id"] == 1


@pytest.mark.parametrize("token", [None, True, 1.5, [], {}, "x" * 5000])
def test_a_progress_token_of_another_type_is_ignored(legacy: McpClient, token: Any) -> None:
    params = {"name": "list_presets", "_meta": {"progressToken": token}}
    assert messages(legacy.request("tools/call", params))[-1]["result"]["isError"] is False


def test_another_media_type_is_refused(legacy: McpClient) -> None:
    headers = {**legacy.headers(), "Content-Type": "text/plain"}
    response = legacy.send({"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers=headers)
    assert response.status_code == 415 and error_of(response)["data"]["code"] == "unsupported_media_type"


def test_a_body_with_too_many_values_is_refused(legacy: McpClient) -> None:
    response = legacy.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"a": [0] * 300_000}}))
    assert response.status_code == 413 and error_of(response)["code"] == -32600


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/json, text/event-stream", "application/json"),
        ("text/event-stream", "text/event-stream"),
    ],
)
def test_any_accept_header_is_answered(demo: Host, accept: str, kind: str) -> None:
    response = McpClient(demo.url, accept=accept).request("tools/list")
    assert response.headers["content-type"].startswith(kind) and messages(response)[0]["result"]["tools"]


def test_unknown_query_parameters_and_notifications_are_accepted(demo: Host, legacy: McpClient) -> None:
    note = {"jsonrpc": "2.0", "method": "notifications/none_such", "params": {"a": 1}}
    assert requests.post(f"{demo.url}/mcp?x=1", json=note, timeout=30).status_code == 202
    of_any_type: list[Any] = [5, "x", None, [], {}]
    for cancelled in of_any_type:
        params = {"requestId": cancelled}
        response = legacy.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
        assert response.status_code == 202 and not response.content
