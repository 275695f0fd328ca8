"""Errors in OpenAI's shape: of the key check, the guard, the router and the routes, as the openai client reads them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import requests

from fooocus_api.api.compat.openai.bodies import GenerationBody, body_of
from fooocus_api.api.responses.problems import InvalidFields
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.compat.pictures import png
from fooocus_api.tests.support.host import DEMO, Host, demo_host

KEY = "s3cret-of-the-boss"
GENERATIONS = "/v1/images/generations"
DOOMED = "doomed.safetensors"
LONG: dict[str, Any] = {"steps": 200}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Yield a host that needs a key and keeps one task waiting, on a copy of the demo, whose models a test may change."""
    checkout = tmp_path_factory.mktemp("host") / "demo"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("outputs", "__pycache__"))
    with demo_host("--apikey", f"boss:{KEY}", "--max-pending", "1", step_ms=20, checkout=checkout) as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> openai.OpenAI:
    """Return a client that repeats requests by itself, as by default."""
    return openai.OpenAI(base_url=f"{host.url}/v1", api_key=KEY)


@pytest.fixture(scope="module")
def native(host: Host) -> Client:
    return Client(host.url, KEY)


def with_key(host: Host, method: str, path: str, **arguments: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {KEY}", **arguments.pop("headers", {})}
    return requests.request(method, f"{host.url}{path}", headers=headers, timeout=120, **arguments)


def error_of(response: requests.Response) -> dict[str, Any]:
    """Return the one member of an error in OpenAI's shape."""
    assert response.headers["content-type"] == "application/json", response.text
    (error,) = response.json().values()
    assert set(error) == {"message", "type", "param", "code"} and error["message"], error
    return dict(error)


def tasks_with(native: Client, prompt: str) -> list[dict[str, Any]]:
    found = native.tasks(query="all", prompt=prompt)
    return [record for records in found.values() for record in records]


@pytest.mark.parametrize("key", ["wrong", "undefined"])
def test_a_wrong_key(host: Host, key: str) -> None:
    stranger = openai.OpenAI(base_url=f"{host.url}/v1", api_key=key)
    with pytest.raises(openai.AuthenticationError) as caught:
        stranger.images.generate(prompt="a cat")
    assert (caught.value.code, caught.value.type) == ("invalid_api_key", "invalid_request_error")
    with pytest.raises(openai.AuthenticationError):
        stranger.models.list()


def test_a_key_as_on_azure(host: Host) -> None:
    for headers in {"api-key": KEY}, {"api-key": KEY, "Authorization": "Bearer "}:
        assert requests.get(f"{host.url}/v1/models", headers=headers, timeout=60).status_code == 200
        assert requests.get(f"{host.url}/tasks", headers=headers, timeout=60).status_code == 401


def test_a_url_in_a_response_needs_no_key(client: openai.OpenAI) -> None:
    answer = client.images.generate(prompt="a cat", size="256x256", extra_body={"steps": 1})
    assert answer.data is not None and answer.data[0].url is not None
    assert requests.get(answer.data[0].url, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "param", "code"),
    [
        ({"prompt": ""}, "prompt", "invalid_value"),
        ({"prompt": " "}, "prompt", "invalid_value"),
        ({"prompt": "a" * 20_001}, "prompt", "string_above_max_length"),
        ({"n": 33}, "n", "invalid_value"),
        ({"size": "7x7x7"}, "size", "invalid_value"),
        ({"size": "0x0"}, "size", "invalid_value"),
        ({"size": "3840x2160"}, "size", "invalid_value"),
        ({"size": "2048x100"}, "size", "invalid_value"),
        ({"quality": "best"}, "quality", "invalid_value"),
        ({"output_format": "gif"}, "output_format", "unsupported_value"),
        ({"background": "transparent"}, "background", "unsupported_value"),
        ({"extra_body": {"frame_count": 4}}, "frame_count", "unsupported_parameter"),
        ({"extra_body": {"image": "data:image/png;base64,AA=="}}, "image", "unsupported_parameter"),
        ({"extra_body": {"image_urls": ["https://example.com/a.png"]}}, "image_urls", "unsupported_parameter"),
        ({"extra_body": {"steps": 1000}}, "steps", "invalid_value"),
        ({"extra_body": {"seed": -5}}, "seed", "invalid_value"),
        ({"extra_body": {"scheduler": "none such"}}, "scheduler", "invalid_value"),
        ({"extra_body": {"loras": [{"model_name": "none.safetensors"}]}}, "loras[0].model_name", "invalid_value"),
    ],
)
def test_a_wrong_field_is_400_with_its_name(
    client: openai.OpenAI, arguments: dict[str, Any], param: str, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(**{"prompt": "a cat", **arguments})
    assert (caught.value.param, caught.value.code, caught.value.type) == (param, code, "invalid_request_error")


@pytest.mark.parametrize(
    ("images", "mask", "param"),
    [
        ([b"no picture"], None, "image"),
        ([png(), b"no picture"], None, "image[1]"),
        ([png()] * 6, None, "image"),
        ([png()], png(), "mask"),
        ([png()], png(hole=True, size=(256, 256)), "mask"),
        ([png()], b"no picture", "mask"),
    ],
)
def test_a_wrong_picture_is_400_with_its_name(
    client: openai.OpenAI, images: list[bytes], mask: bytes | None, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(image=images, mask=mask or openai.omit, prompt="a hat")
    assert caught.value.param == param and caught.value.type == "invalid_request_error"


def test_too_many_references_are_refused_before_any_is_fetched(host: Host) -> None:
    body = {"prompt": "a hat", "images": ["http://127.0.0.1:9/x"] * 6}
    error = error_of(with_key(host, "POST", "/v1/images/edits", json=body))
    assert error["param"] == "image" and "6 images" in error["message"]


def test_an_error_never_shows_the_whole_body_as_text() -> None:
    class Unprintable(dict[str, Any]):
        def __repr__(self) -> str:
            raise AssertionError

    with pytest.raises(InvalidFields, match="prompt"):
        body_of(GenerationBody, Unprintable(images=["a" * 9]))


@pytest.mark.parametrize(
    ("method", "path", "arguments", "status", "code"),
    [
        ("POST", GENERATIONS, {"json": {}}, 400, "missing_required_parameter"),
        ("POST", GENERATIONS, {}, 400, "missing_required_parameter"),
        ("POST", GENERATIONS, {"json": [1]}, 400, "invalid_value"),
        ("POST", GENERATIONS, {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_json"),
        ("POST", GENERATIONS, {"data": {"prompt": "a cat"}}, 415, "unsupported_media_type"),
        ("POST", GENERATIONS, {"json": {"prompt": "a", "tags": "," * 200_001}}, 413, "payload_too_large"),
        ("POST", "/v1/images/edits", {"json": {"prompt": "a hat"}}, 400, "missing_required_parameter"),
        ("POST", "/v1/images/edits", {"files": {"image": png()}}, 400, "missing_required_parameter"),
        (
            "POST",
            "/v1/images/edits",
            {"json": {"prompt": "a", "images": [{"file_id": "x"}]}},
            400,
            "unsupported_parameter",
        ),
        ("POST", "/v1/images/edits", {"json": {"prompt": "a", "images": [5]}}, 400, "invalid_value"),
        (
            "POST",
            "/v1/images/edits",
            {"json": {"prompt": "a", "images": ["http://127.0.0.1:9/x"]}},
            400,
            "invalid_value",
        ),
        ("POST", "/v1/images/variations", {"data": {"image": "text"}}, 415, "unsupported_media_type"),
        ("POST", "/v1/images/nothing", {}, 404, "unknown_url"),
        ("GET", "/v1/models/none/such", {}, 404, "model_not_found"),
        ("GET", GENERATIONS, {}, 405, "method_not_allowed"),
        ("DELETE", "/v1/models/gpt-image-1", {}, 405, "method_not_allowed"),
        ("POST", GENERATIONS, {"headers": {"Origin": "https://evil.example"}}, 403, "cross_origin_rejected"),
        ("GET", "/v1/models", {"headers": {"Host": "evil.example"}}, 403, "host_not_allowed"),
    ],
)
def test_every_status_has_the_shape(
    host: Host, method: str, path: str, arguments: dict[str, Any], status: int, code: str
) -> None:
    response = with_key(host, method, path, **arguments)
    assert (response.status_code, error_of(response)["code"]) == (status, code)


def test_a_task_that_fails_is_generated_once(host: Host, client: openai.OpenAI, native: Client) -> None:
    folder = host.checkout / "models" / "checkpoints"
    shutil.copyfile(folder / "demo_nightfall.safetensors", folder / DOOMED)
    ahead = native.submit(overwrite_step=200)
    native.until(ahead["task_id"], "running")

    def doom() -> None:
        wait_for(lambda: tasks_with(native, "a doomed ship"), "the task")
        (folder / DOOMED).unlink()
        native.post(f"/tasks/{ahead['task_id']}/stop")

    dooming = threading.Thread(target=doom)
    dooming.start()
    with pytest.raises(openai.InternalServerError) as caught:
        client.images.generate(prompt="a doomed ship", model=DOOMED, extra_body={"steps": 1})
    dooming.join()
    assert caught.value.type == "server_error" and DOOMED in caught.value.message
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(tasks_with(native, "a doomed ship")) == 1


def stop_once_running(native: Client, prompt: str) -> None:
    """Stop the task with that prompt once it has begun to generate."""
    (record,) = wait_for(lambda: [one for one in tasks_with(native, prompt) if one["progress"]], "the task")
    native.post(f"/tasks/{record['task_id']}/stop")


def test_a_stopped_task_is_generated_once(client: openai.OpenAI, native: Client) -> None:
    stopping = threading.Thread(target=stop_once_running, args=(native, "a sinking ship"))
    stopping.start()
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(prompt="a sinking ship", extra_body=LONG)
    stopping.join()
    assert (caught.value.type, caught.value.code) == ("image_generation_user_error", "stopped")
    assert len(tasks_with(native, "a sinking ship")) == 1


def test_a_task_that_is_stopped_after_an_image_is_answered_with_it(client: openai.OpenAI, native: Client) -> None:
    def stop_after_an_image() -> None:
        def second_begun() -> list[dict[str, Any]]:
            return [one for one in tasks_with(native, "three ships") if one.get("image_number") == 2]

        (record,) = wait_for(second_begun, "the second image")
        native.post(f"/tasks/{record['task_id']}/stop")

    stopping = threading.Thread(target=stop_after_an_image)
    stopping.start()
    answer = client.images.generate(prompt="three ships", n=3, extra_body=LONG)
    stopping.join()
    assert answer.data is not None and len(answer.data) < 3


def test_an_error_within_a_stream(client: openai.OpenAI, native: Client) -> None:
    stopping = threading.Thread(target=stop_once_running, args=(native, "a burning ship"))
    stopping.start()
    with pytest.raises(openai.APIError, match="stopped") as caught:
        list(client.images.generate(prompt="a burning ship", stream=True, extra_body=LONG))
    stopping.join()
    assert caught.value.code == "stopped"


def test_a_full_queue_is_a_rate_limit(client: openai.OpenAI, native: Client) -> None:
    tasks = [native.submit(prompt="a long one", overwrite_step=200)]
    native.until(tasks[0]["task_id"], "running")
    tasks.append(native.submit())
    with pytest.raises(openai.RateLimitError) as caught:
        client.with_options(max_retries=0).images.generate(prompt="one too many")
    assert (caught.value.type, caught.value.code) == ("requests", "rate_limit_exceeded")
    assert (
        int(caught.value.response.headers["retry-after"]) >= 1 and "x-should-retry" not in caught.value.response.headers
    )
    for task in reversed(tasks):
        native.post(f"/tasks/{task['task_id']}/stop")
        native.ended(task["task_id"])
