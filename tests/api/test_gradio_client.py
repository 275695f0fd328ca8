"""Scripts that use the WebUI through Gradio's own Python client: they work as without the extension."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from gradio_client import Client as GradioClient

from fooocus_api.tests.support.host import Host

TEXT = "application/json"


@pytest.fixture(scope="module")
def scripted(demo: Host) -> GradioClient:
    return GradioClient(demo.url, verbose=False)


def test_every_function_of_the_page_is_read(demo: Host, scripted: GradioClient) -> None:
    """Exclude 422, the answer to every body that is not parsed as JSON; the function itself may refuse the values."""
    functions = [
        number for number, dependency in enumerate(scripted.config["dependencies"]) if dependency["backend_fn"]
    ]
    assert len(functions) > 5
    for number in functions:
        for path in ("/run/predict", "/api/predict"):
            with requests.post(
                demo.url + path, data=b'{"fn_index": %d, "data": [], "session_hash": "s"}' % number
            ) as got:
                assert got.status_code != 422, (path, number, got.text)


def test_a_function_answers_the_client(scripted: GradioClient) -> None:
    shown = index_of(scripted, "advanced_checkbox")
    assert scripted.predict(True, fn_index=shown) is not None


@pytest.mark.parametrize("body", [b"{}", b'{"data": []}'])
def test_text_stays_text(demo: Host, body: bytes) -> None:
    with requests.post(f"{demo.url}/run/predict", data=body, headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status_code == 422


def test_the_api_reads_json_without_a_content_type(demo: Host) -> None:
    body = b'{"prompt": "a cat", "overwrite_width": 256, "overwrite_height": 256, "performance_selection": "Lightning"}'
    with requests.post(f"{demo.url}/v1/engine/generate", data=body) as answer:
        assert answer.status_code == 200 and answer.json()["task_status"] == "finished"
    with requests.post(f"{demo.url}/v1/engine/control", data=b'{"action": "skip"}') as answer:
        assert answer.status_code == 200
    with requests.post(f"{demo.url}/v1/engine/generate", data=b"a cat") as answer:
        assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "body"


@pytest.mark.parametrize("kind", [None, "text/plain"])
@pytest.mark.parametrize("path", ["/v1/engine/generate", "/run/predict"])
def test_another_sites_page_is_refused_whatever_it_sends(demo: Host, path: str, kind: str | None) -> None:
    headers = {"Origin": "https://elsewhere.example", **({"Content-Type": kind} if kind else {})}
    with requests.post(demo.url + path, data=b'{"prompt": "a cat"}', headers=headers) as answer:
        assert answer.status_code == 403


def index_of(scripted: GradioClient, label: str) -> int:
    """Return the index of a function with one input and one output."""
    config: dict[str, Any] = scripted.config
    return next(
        number
        for number, dependency in enumerate(config["dependencies"])
        if dependency["backend_fn"]
        and len(dependency["inputs"]) == len(dependency["outputs"]) == 1
        and not dependency["queue"]
    )
