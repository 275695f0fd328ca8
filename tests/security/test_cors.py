"""The origins that `--api-cors` allows, and the WebUI, which none of them may use."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import pytest

from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.browsers.cross_site import ALLOWED, FOREIGN, refused
from fooocus_api.tests.support.client import QUICK, Client
from fooocus_api.tests.support.host import Host, demo_host, free_port


@pytest.fixture(scope="module")
def open_to_shop() -> Iterator[Host]:
    """Yield a demo host whose API one site may use, with the API on a second port."""
    with demo_host("--api-cors", ALLOWED, "--api-port", str(free_port())) as host:
        yield host


# ------------------------------------------------------------------ CORS

PREFLIGHT = {
    "Origin": ALLOWED,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,x-api-key,idempotency-key,prefer",
}


def own_port(host: Host) -> str:
    return host.url


def second_port(host: Host) -> str:
    return f"http://127.0.0.1:{host.flags[host.flags.index('--api-port') + 1]}"


@pytest.mark.parametrize("address", [own_port, second_port])
def test_a_site_that_may_use_the_api(open_to_shop: Host, address: Callable[[Host], str]) -> None:
    client = Client(address(open_to_shop))
    preflight = client.request("OPTIONS", "/v1/engine/generate/", headers=PREFLIGHT)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ALLOWED
    allowed = preflight.headers["access-control-allow-headers"].replace(" ", "").split(",")
    assert set(PREFLIGHT["Access-Control-Request-Headers"].split(",")) <= set(allowed)
    page = {"Origin": ALLOWED, "Sec-Fetch-Site": "cross-site"}
    drawn = client.post("/v1/engine/generate/", json=QUICK, headers=page)
    assert drawn.status_code == 200
    assert drawn.headers["access-control-allow-origin"] == ALLOWED
    readable = drawn.headers["access-control-expose-headers"].split(", ")
    ours = {name for name in drawn.headers if name.startswith("X-") or name == "Location"}
    assert {name.lower() for name in ours} <= {name.lower() for name in readable}
    assert {"X-Total-Count", "X-Ignored-Fields", "Idempotency-Replayed", "ETag"} <= set(readable)
    wrong = client.post("/v1/engine/generate/", json={"image_number": 0}, headers=page)
    assert wrong.status_code == 422 and wrong.headers["access-control-allow-origin"] == ALLOWED
    lists = client.get("/tasks", headers=page)
    assert {name.lower() for name in lists.headers if name.lower().startswith("x-")} <= {
        name.lower() for name in readable
    }


def test_others_may_not(open_to_shop: Host) -> None:
    client = Client(open_to_shop.url)
    preflight = client.request("OPTIONS", "/v1/engine/generate/", headers={**PREFLIGHT, "Origin": FOREIGN})
    assert preflight.status_code == 400 and "access-control-allow-origin" not in preflight.headers
    assert refused(client.post("/v1/engine/generate/", json=QUICK, headers={"Origin": FOREIGN}))
    assert "access-control-allow-origin" not in client.get("/tasks", headers={"Origin": FOREIGN}).headers


def test_without_the_flag_nobody_may(client: Client) -> None:
    preflight = client.request("OPTIONS", "/v1/engine/generate/", headers=PREFLIGHT)
    assert preflight.status_code == 405 and "access-control-allow-origin" not in preflight.headers


def test_all_may_with_a_star(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory("--nowebui", "--api-cors", "*").url)
    response = client.post(
        "/v1/engine/control?action=stop", headers={"Origin": FOREIGN, "Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 200 and response.headers["access-control-allow-origin"] == "*"


def test_a_browsers_saved_password_is_not_lent_to_an_allowed_page(demo_factory: DemoFactory) -> None:
    host = demo_factory("--nowebui", "--api-cors", ALLOWED, "--apikey", "s3cret")
    client, delete = Client(host.url), "/tasks?action=delete&end_at=2000-01-01"
    saved = {"Authorization": "Basic " + base64.b64encode(b":s3cret").decode()}
    page = {"Origin": ALLOWED, "Sec-Fetch-Site": "cross-site"}
    assert client.get(delete, headers={**page, **saved}).status_code == 401
    image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/tasks", headers={**image, **saved}).status_code == 401
    for own in ({"Authorization": "Bearer s3cret"}, {"X-API-KEY": "s3cret"}):
        assert client.get(delete, headers={**page, **own}).status_code == 200
    for reader in (
        {},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://of-the-proxy.example"},
    ):
        assert client.get("/tasks", headers={**reader, **saved}).status_code == 200


# ------------------------------------------------------------------ CORS of the WebUI

OF_THE_WEBUI = ["/", "/config", "/info", "/token", "/queue/status", "/theme.css"]


@pytest.mark.parametrize("path", OF_THE_WEBUI)
def test_no_other_site_reads_what_the_webui_says(open_to_shop: Host, path: str) -> None:
    """Restrict Gradio, which by itself lets every page read everything: the day's log.html has all prompts."""
    client = Client(open_to_shop.url)
    for origin in (FOREIGN, ALLOWED, "null", "http://127.0.0.1:1"):
        response = client.get(path, headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"})
        assert response.status_code == 200 and "access-control-allow-origin" not in response.headers, origin
        asked = client.request("OPTIONS", path, headers={**PREFLIGHT, "Origin": origin})
        assert "access-control-allow-origin" not in asked.headers, origin
    assert client.get(path, headers={"Origin": client.url}).status_code == 200


@pytest.mark.parametrize("path", ["/run/predict", "/api/predict", "/upload", "/login", "/reset"])
def test_a_site_that_may_use_the_api_may_not_use_the_webui(open_to_shop: Host, path: str) -> None:
    response = Client(open_to_shop.url).post(path, json={"fn_index": 0, "data": []}, headers={"Origin": ALLOWED})
    assert refused(response) and "--api-cors" not in response.json()["detail"]
