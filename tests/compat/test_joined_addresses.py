"""Addresses as programs join them: with a slash too many, with `/v1` twice or not at all, and paths of OpenAI's other APIs."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from PIL import Image

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import demo_host

JSON_RPC = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
SMALL = {"prompt": "a lighthouse", "steps": 2, "width": 512, "height": 512}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Yield a client of a host with the WebUI."""
    with demo_host(step_ms=0) as host:
        yield Client(host.url)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "//sdapi/v1/sd-models", None),
        ("GET", "/sdapi//v1/options", None),
        ("GET", "///v1//models//", None),
        ("GET", "//ping", None),
        ("GET", "//tasks", None),
        ("GET", "//healthz", None),
        ("GET", "//docs", None),
        ("POST", "//mcp", JSON_RPC),
        ("POST", "//sdapi/v1/txt2img", SMALL),
        ("POST", "/v1//images/generations", {"prompt": "a lighthouse"}),
        ("POST", "//v1/generation/text-to-image", {"prompt": "a lighthouse"}),
        ("POST", "//v1/engine/generate", {"prompt": "a lighthouse"}),
    ],
)
def test_a_slash_too_many_changes_nothing(
    client: Client, method: str, path: str, body: dict[str, object] | None
) -> None:
    response = client.request(method, f"{client.url}{path}", json=body)
    assert response.status_code == 200, response.text


def test_slashes_in_names_stay(client: Client) -> None:
    assert client.get(f"{client.url}/tasks/a%2F%2Fb").status_code == 404
    picture = Image.new("RGB", (64, 64), "red")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    uploaded = client.post("/upload", files={"files": ("a.png", buffer.getvalue(), "image/png")}).json()[0]
    assert client.get(f"{client.url}/file={uploaded}").status_code == 200
    assert client.get(f"{client.url}/file=/{uploaded}").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "nearest"),
    [
        ("POST", "/v1/v1/images/generations", "/v1/images/generations"),
        ("POST", "/images/generations", "/v1/images/generations"),
        ("POST", "/images/edits", "/v1/images/edits"),
        ("GET", "/models", "/v1/models"),
        ("GET", "/v1/v1/models", "/v1/models"),
        ("POST", "/v1/txt2img", "/sdapi/v1/txt2img"),
        ("POST", "/v1/v1/generation/text-to-image", "/v1/generation/text-to-image"),
    ],
)
def test_an_address_with_the_version_twice_or_never_is_answered_with_the_path(
    client: Client, method: str, path: str, nearest: str
) -> None:
    response = client.request(method, path)
    assert response.status_code == 404 and response.json()["nearest"] == nearest, response.text
    assert nearest in response.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/responses"),
        ("GET", "/v1/responses/resp_1"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/audio/speech"),
    ],
)
def test_what_is_no_image_is_refused_in_openais_shape(client: Client, method: str, path: str) -> None:
    response = client.request(method, path, json={"model": "gpt-image-1", "messages": []})
    error = response.json()["error"]
    assert response.status_code == 404 and error["code"] == "unknown_url"
    assert path in error["message"] and "/v1/images/generations" in error["message"]


@pytest.mark.parametrize(
    "path", ["/v1/files", "/v1/history", "/v1/progress", "/v1/interrupt", "/v1/organization/costs"]
)
def test_a_path_that_resembles_none_has_none_suggested(client: Client, path: str) -> None:
    answer = client.get(path).json()
    assert "nearest" not in answer and "/docs" in answer["detail"]


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/v1/generation/text-to-imagee", "/v1/generation/text-to-image"),
        ("/v1/images/generation", "/v1/images/generations"),
    ],
)
def test_a_misspelt_path_of_a_compatible_api_is_answered_with_the_nearest(
    client: Client, path: str, nearest: str
) -> None:
    response = client.post(path)
    assert response.status_code == 404 and nearest in response.text


def test_the_old_name_of_a_path_of_fooocus_api_works(client: Client) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (256, 256), "red").save(buffer, "PNG")
    form = {"prompt": "a lighthouse", "outpaint_selections": "Left"}
    response = client.post("/v1/generation/image-inpait-outpaint", data=form, files={"input_image": buffer.getvalue()})
    assert response.status_code == 200 and response.json()[0]["finish_reason"] == "SUCCESS", response.text
