"""The schema beyond FastAPI's own output: authentication, streams, headers, links and errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

if TYPE_CHECKING:
    from pathlib import Path

    from fooocus_api.tests.conftest import DemoFactory

Schema = dict[str, Any]
KEY = "a key for the schema"


@pytest.fixture(scope="module")
def schema(client: Client) -> Schema:
    return schema_of(client)


def schema_of(client: Client) -> Schema:
    described: Schema = client.get("/v1/openapi.json").json()
    return described


def operations(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_a_known_copy_is_not_sent_again(client: Client) -> None:
    first = client.get("/v1/openapi.json")
    again = client.get("/v1/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/v1/openapi.json", headers={"If-None-Match": '"other"'}).content == first.content


def test_where_no_key_is_needed_none_is_asked_for(schema: Schema) -> None:
    assert "securitySchemes" not in schema["components"]
    assert not any("security" in operation for _, operation in operations(schema))


def test_where_a_key_is_needed_every_way_to_send_it_is_named(demo_factory: DemoFactory) -> None:
    keyed = schema_of(Client(demo_factory("--nowebui", "--apikey", KEY).url, KEY))
    ways = keyed["components"]["securitySchemes"]
    assert {(way["type"], way.get("scheme") or way["in"]) for way in ways.values()} == {
        ("apiKey", "header"),
        ("http", "bearer"),
        ("http", "basic"),
        ("apiKey", "query"),
        ("apiKey", "cookie"),
    }
    for name, operation in operations(keyed):
        given = {way for alternative in operation.get("security", []) for way in alternative}
        if name in ("GET /healthz", "GET /readyz"):
            assert not given
        elif name.startswith(("GET /outputs/", "GET /inputs/")):
            assert given == set(ways)
        else:
            read_by_token = name.startswith("GET ") and not name.startswith(
                ("GET /metrics", "GET /v1/engine/model-files", "GET /v1/keys")
            )
            assert given == set(ways) - ({"link"} if read_by_token else {"link", "token"}), name


def test_where_the_webui_asks_for_a_login_its_cookie_is_named(demo_factory: DemoFactory, tmp_path: Path) -> None:
    folder = copy_checkout(DEMO, tmp_path / "checkout")
    (folder / "auth.json").write_text('[{"user": "ann", "pass": "open sesame"}]')
    guest = Client(demo_factory(checkout=folder).url)
    guest.post("/login", data={"username": "ann", "password": "open sesame"})
    (way,) = schema_of(guest)["components"]["securitySchemes"].values()
    assert way["in"] == "cookie" and way["name"] in guest.session.cookies


def test_no_parameter_can_be_null(schema: Schema) -> None:
    """Forbid null, which a query string can't express."""
    for name, operation in operations(schema):
        for parameter in operation.get("parameters", []):
            kinds = [parameter["schema"], *parameter["schema"].get("anyOf", [])]
            assert all(kind.get("type") != "null" for kind in kinds), (name, parameter["name"])


def test_a_422_is_told_of_where_there_is_one_and_has_our_form(schema: Schema) -> None:
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    told = {name for name, operation in operations(schema) if "422" in operation["responses"]}
    assert {"POST /v1/engine/generate/", "GET /tasks", "POST /inputs"} <= told
    assert not told & {"GET /tasks/{task_id}", "GET /inputs/{file_name}"}
    assert "POST /tasks/{task_id}/stop" in told  # for a parameter that it does not know
    for name, operation in operations(schema):
        for status, response in operation["responses"].items():
            if status >= "4" and name not in ("GET /healthz", "GET /readyz"):
                assert set(response["content"]) == {"application/problem+json"}, (name, status)


NOTICES = ["QueueEvent", "DeletedEvent", "MovedEvent", "DownloadResponse", "ModelEvent", "SampleModel"]


@pytest.mark.parametrize(("path", "others"), [("/v1/events", NOTICES), ("/tasks/{task_id}/events", [])])
def test_what_each_event_of_a_stream_holds_is_told(schema: Schema, path: str, others: list[str]) -> None:
    stream = schema["paths"][path]["get"]["responses"]["200"]["content"]["text/event-stream"]
    data = stream["itemSchema"]["properties"]["data"]
    shapes = [shape["$ref"].rpartition("/")[2] for shape in data["contentSchema"]["anyOf"]]
    assert data["contentMediaType"] == "application/json" and shapes == ["TaskEvent", "DroppedEvent", *others]
    assert set(shapes) < set(schema["components"]["schemas"])


def test_a_link_leads_from_a_new_task_to_all_that_can_be_done_with_it(schema: Schema) -> None:
    links = schema["paths"]["/v1/engine/generate/"]["post"]["responses"]["200"]["links"]
    paths = {path.replace("/", "~1") for path in schema["paths"] if "{task_id}" in path}
    assert {link["operationRef"].split("/")[2] for link in links.values()} == paths


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/tasks/0", {"DELETE", "GET"}),
        ("/tasks", {"GET"}),
        ("/inputs/0", {"GET", "HEAD"}),
        ("/inputs", {"POST"}),
        ("/v1/engine/generate", {"POST"}),
        ("/docs/assets/favicon.png", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_told_all_the_right_ones(client: Client, path: str, methods: set[str]) -> None:
    """Collect the methods of all routes of a path."""
    response = client.request("PATCH", path)
    assert response.status_code == 405 and response.headers["content-type"] == "application/problem+json"
    assert set(response.headers["allow"].split(", ")) == methods


def test_a_refused_method_is_answered_with_those_of_the_path(client: Client, schema: Schema) -> None:
    for path, methods in schema["paths"].items():
        for method in ("PATCH", "OPTIONS"):
            refused = client.request(method, path.replace("{", "").replace("}", ""))
            assert refused.status_code == 405, (method, path)
            allowed = set(refused.headers["Allow"].split(", ")) - {"HEAD"}
            assert allowed == {name.upper() for name in methods}, (method, path)


def test_a_path_below_tasks_or_model_files_is_no_task_and_no_file(client: Client) -> None:
    for path in ("/tasks/days", "/tasks/facets", "/tasks/bulk", "/v1/engine/model-files/downloads/0/resume"):
        refused = client.request("DELETE", path)
        assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed"), path


def test_the_bounds_of_integers_are_integers(schema: Schema) -> None:
    seed = schema["components"]["schemas"]["CommonRequest"]["properties"]["image_seed"]
    assert (seed["minimum"], seed["maximum"]) == (-1, 2**63 - 1)
    assert isinstance(seed["maximum"], int)


def test_presets_that_come_and_go_are_in_the_schema_and_leave_it(demo_factory: DemoFactory, tmp_path: Path) -> None:
    client = Client(demo_factory("--nowebui", checkout=copy_checkout(DEMO, tmp_path / "checkout")).url)

    def listed() -> list[str]:
        names: list[str] = schema_of(client)["components"]["schemas"]["CommonRequest"]["properties"]["preset"]["enum"]
        return names

    assert "shop" not in listed()
    assert client.request("PUT", "/v1/engines/presets/shop", json={"sharpness": 4}).status_code in (200, 201)
    assert "shop" in listed()
    assert client.request("DELETE", "/v1/engines/presets/shop").status_code in (200, 204)
    assert "shop" not in listed()
