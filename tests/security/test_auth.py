"""`--apikey`: no access without a key, and each header that carries one."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.client import QUICK, Client
from fooocus_api.tests.support.host import Host, demo_host

KEY = "k3y-with-ünicode"


@pytest.fixture(scope="module")
def locked() -> Iterator[Host]:
    """Yield a demo host with two keys."""
    with demo_host("--apikey", KEY, "--apikey", "another") as host:
        yield host


@pytest.fixture(scope="module")
def image(locked: Host) -> str:
    """Return the URL of an image, without its signature."""
    return str(Client(locked.url, "another").draw()["result"][0]).partition("?")[0]


PATHS = ["/v1/info", "/tasks/x", "/docs", "/v1/openapi.json", "/outputs/2026-01-01/x.png"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", [None, "wrong", KEY + "x", "Another"])
def test_nothing_without_the_key(locked: Host, path: str, key: str | None) -> None:
    headers = {"X-API-KEY": key.encode()} if key else {}
    address = {"X-Forwarded-For": f"198.51.100.{PATHS.index(path)}"}  # an address may send ten wrong keys a minute
    response = Client(locked.url).get(path, headers={**headers, **address})
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_generate_and_images_are_locked(locked: Host, image: str) -> None:
    client = Client(locked.url)
    assert client.post("/v1/engine/generate/", json=QUICK).status_code == 401
    assert client.control("stop").status_code == 401
    assert client.get(image).status_code == 401


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-KEY": "another"},
        {"x-api-key": KEY.encode()},
        {"Authorization": "Bearer another"},
        {"Authorization": basic("another")},
        {"Authorization": basic(KEY)},
    ],
    ids=["header", "header in another alphabet", "bearer", "basic", "basic in another alphabet"],
)
def test_each_way_to_send_it(locked: Host, image: str, headers: dict[str, str]) -> None:
    assert Client(locked.url).get(image, headers=headers).status_code == 200


@pytest.mark.parametrize("value", ["Basic", "Basic !!!", "Bearer", "Digest x", "Basic /w==", b"Basic \xe9"])
def test_broken_credentials_are_401(locked: Host, value: str | bytes) -> None:
    assert Client(locked.url).get("/v1/info", headers={"Authorization": value}).status_code == 401


def test_a_browser_is_asked_for_a_password(locked: Host) -> None:
    response = Client(locked.url).get("/docs", headers={"Accept": "text/html,*/*"})
    assert response.status_code == 401 and response.headers["www-authenticate"].startswith("Basic")


def test_the_webui_is_not_behind_the_key(locked: Host) -> None:
    assert Client(locked.url).get("/").status_code == 200
