"""Bodies that clients compress, and JSON that they encode twice, by every API."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.compat.pictures import png
from fooocus_api.tests.support.host import demo_host

JSON_PATHS = [
    "/v1/engine/generate",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/generation/text-to-image",
    "/v2/generation/image-prompt",
    "/sdapi/v1/txt2img",
    "/mcp",
    "/v1/batches",
    "/v1/archive",
]
FORM_PATHS = [
    "/inputs",
    "/v1/images/edits",
    "/v1/generation/image-upscale-vary",
    "/v1/tools/describe-image",
    "/v1/tools/read-metadata",
]
URLENCODED_PATHS = ["/v1/archive", "/v1/generation/image-upscale-vary", "/v1/generation/image-prompt"]
BATCH_KINDS = ["application/x-ndjson", "text/csv"]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Yield a client of a host."""
    with demo_host(step_ms=0) as host:
        yield Client(host.url)


@pytest.mark.parametrize("coding", ["gzip", "GZip", "br", "zstd", "identity, deflate"])
@pytest.mark.parametrize("path", JSON_PATHS)
def test_a_compressed_body_is_refused_by_its_coding(client: Client, path: str, coding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    response = client.post(path, data=gzip.compress(b'{"prompt": "a lighthouse"}'), headers=headers)
    assert response.status_code == 415, response.text
    assert coding.split(", ")[-1] in response.text and "without compression" in response.text
    assert response.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("path", FORM_PATHS)
def test_a_compressed_form_is_refused_by_its_coding(client: Client, path: str) -> None:
    files = {"image": ("a.png", png(), "image/png"), "input_image": ("a.png", png(), "image/png")}
    response = client.post(path, files=files, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415 and "without compression" in response.text, response.text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *((path, "application/x-www-form-urlencoded") for path in URLENCODED_PATHS),
        *(("/v1/batches", kind) for kind in BATCH_KINDS),
    ],
)
def test_a_compressed_body_of_another_kind_is_refused_by_its_coding(client: Client, path: str, kind: str) -> None:
    headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
    response = client.post(path, data=gzip.compress(b"prompt=a+lighthouse&task_ids=1"), headers=headers)
    assert response.status_code == 415 and "without compression" in response.text, response.text
    assert response.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "", "Identity, identity"])
def test_a_body_that_is_not_compressed_is_read(client: Client, coding: str) -> None:
    response = client.post("/v1/engine/generate", json={"prompt": "x"}, headers={"Content-Encoding": coding})
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("path", ["/v1/engine/generate", "/v1/generation/text-to-image", "/sdapi/v1/txt2img"])
def test_json_that_is_encoded_twice_is_named(client: Client, path: str) -> None:
    response = client.post(path, json=json.dumps({"prompt": "a lighthouse"}))
    assert response.status_code == 422 and "encode the object once" in response.text, response.text


@pytest.mark.parametrize(
    ("arguments", "is_wrong"),
    [
        ('{"search": "Fooocus"}', False),
        ("{}", False),
        ("", False),
        ("null", False),
        ('["Fooocus"]', True),
        ("Fooocus", True),
        ("[" * 60_000, True),
    ],
)
def test_arguments_of_a_tool_may_be_the_text_of_an_object(client: Client, arguments: str, is_wrong: bool) -> None:
    call = {"name": "list_styles", "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    result = client.post("/mcp", json=message).json()["result"]
    assert result["isError"] is is_wrong, result
    assert ("must be an object" if is_wrong else "Fooocus V2") in result["content"][0]["text"]
