"""Error codes: each is caused by a real request, or by the real handler of an exception that no request can cause here."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Callable, Iterator

import httpx
import pytest
import requests
from fastapi import FastAPI
from pydantic_core.core_schema import ErrorType
from starlette.requests import ClientDisconnect

from fooocus_api.api.requests.memory_budget import MemoryBudget
from fooocus_api.api.responses.images import not_readable
from fooocus_api.api.responses.problems import add_handlers
from fooocus_api.api.responses.pydantic_errors import CODES
from fooocus_api.asgi.error_codes import ErrorCode, FieldErrorCode
from fooocus_api.db.writer import DatabaseUnavailable
from fooocus_api.images.storage.input_store import StorageUnavailable
from fooocus_api.tasks.ports.engine import EngineUnavailable, ParameterError, ShuttingDown
from fooocus_api.tests.images.test_inputs import picture, upload
from fooocus_api.tests.support.api_calls.batches import accepted, ended, quick, send_csv, send_lines
from fooocus_api.tests.support.client import QUICK, Client
from fooocus_api.tests.support.host import ROOT, Host, demo_host
from fooocus_api.tests.support.keys import add_key

NO_TASK = "0" * 32
MODEL_FILES = "/v1/engine/model-files"
Send = Callable[[Client], requests.Response]


def ended_task(client: Client) -> str:
    return str(client.draw()["task_id"])


def repetition_without_input(client: Client) -> requests.Response:
    given = client.draw()
    task = client.draw(uov_input_image=given["result"][0], uov_method="Upscale (Fast 2x)")
    client.request("DELETE", f"/tasks/{given['task_id']}")
    return client.post(f"/tasks/{task['task_id']}/repeat")


def an_image(client: Client) -> str:
    return str(client.draw()["result"][0])


def ended_batch(client: Client) -> str:
    batch_id = accepted(send_lines(client, quick(1)))
    return str(ended(client, batch_id)["batch_id"])


OPEN: dict[ErrorCode, Send] = {
    ErrorCode.MALFORMED_REQUEST: lambda client: client.get("/v1/info", headers={"Host": "a b"}),
    ErrorCode.CROSS_ORIGIN_REJECTED: lambda client: client.post("/tasks", headers={"Origin": "https://other.example"}),
    ErrorCode.HOST_NOT_ALLOWED: lambda client: client.get("/v1/info", headers={"Host": "other.example"}),
    ErrorCode.FILE_NOT_SERVED: lambda client: client.get("/file=config.txt"),
    ErrorCode.PATH_NOT_FOUND: lambda client: client.get("/v1/nothing"),
    ErrorCode.TASK_NOT_FOUND: lambda client: client.get(f"/tasks/{NO_TASK}"),
    ErrorCode.BATCH_NOT_FOUND: lambda client: client.get(f"/v1/batches/{NO_TASK}"),
    ErrorCode.WRONG_BATCH_STATE: lambda client: client.post(f"/v1/batches/{ended_batch(client)}/stop"),
    ErrorCode.INVALID_ROWS: lambda client: send_csv(client, "prompt,sharpness\na,99\n"),
    ErrorCode.IMAGE_NOT_FOUND: lambda client: client.get("/outputs/2026-01-31/none.png"),
    ErrorCode.STYLE_NOT_FOUND: lambda client: client.get("/v1/engines/styles/none"),
    ErrorCode.PRESET_NOT_FOUND: lambda client: client.get("/v1/engines/presets/none"),
    ErrorCode.PRESET_PROTECTED: lambda client: client.request("DELETE", "/v1/engines/presets/default"),
    ErrorCode.MODEL_FILE_NOT_FOUND: lambda client: client.request("DELETE", f"{MODEL_FILES}/loras/none.safetensors"),
    ErrorCode.DOWNLOAD_NOT_FOUND: lambda client: client.get(f"{MODEL_FILES}/downloads/none"),
    ErrorCode.METHOD_NOT_ALLOWED: lambda client: client.get("/v1/engine/generate"),
    ErrorCode.NOT_ACCEPTABLE: lambda client: client.generate(
        accept="image/webp",
        uov_input_image=upload(client, picture(size=(3600, 400))).json()["url"],
        uov_method="Upscale (Custom)",
        upscale_multiple=5,
    ),
    ErrorCode.WRONG_TASK_STATUS: lambda client: client.post(f"/tasks/{ended_task(client)}/stop"),
    ErrorCode.INPUTS_DELETED: repetition_without_input,
    ErrorCode.NO_WEBHOOK: lambda client: client.post(f"/tasks/{ended_task(client)}/webhooks/resend"),
    ErrorCode.PAYLOAD_TOO_LARGE: lambda client: client.post(
        "/v1/engine/generate", data="[" * 200_001, headers={"Content-Type": "application/json"}
    ),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: lambda client: client.post(
        "/v1/tools/describe-image", data="a", headers={"Content-Type": "text/plain"}
    ),
    ErrorCode.RANGE_NOT_SATISFIABLE: lambda client: client.get(an_image(client), headers={"Range": "bytes=99999999-"}),
    ErrorCode.INVALID_FIELDS: lambda client: client.generate(image_number=0),
}
"""Code → a request to a host without keys."""
PROTECTED: dict[ErrorCode, Send] = {
    ErrorCode.UNAUTHORIZED: lambda client: Client(client.url).get("/tasks"),
    ErrorCode.INSUFFICIENT_SCOPE: lambda client: client.post("/v1/engine/unload"),
    ErrorCode.TOKEN_RESTRICTED: lambda client: Client(client.url).post(
        "/v1/engine/generate", params={"token": client.post("/v1/tokens").json()["token"]}, json=QUICK
    ),
    ErrorCode.INVALID_SIGNATURE: lambda client: Client(client.url).get(an_image(client).split("&")[0] + "&signature=x"),
    ErrorCode.QUOTA_EXCEEDED: lambda client: [client.generate(image_number=20, async_process=True) for _ in range(2)][
        -1
    ],
    ErrorCode.RATE_LIMITED: lambda client: [client.get("/v1/info") for _ in range(61)][-1],
}
"""Code → a request to a host with keys, in this order: the last one exhausts the key's requests per minute."""


def with_a_broken_file(host: Host, client: Client) -> requests.Response:
    file = host.outputs / ".fooocus_api" / "keys.json"
    content = file.read_text("utf-8")
    file.write_text("{", "utf-8")
    try:
        return client.get("/tasks")
    finally:
        file.write_text(content, "utf-8")


@pytest.fixture(scope="module")
def protected() -> Iterator[tuple[Host, Client]]:
    with demo_host() as host:
        yield host, add_key(host, "limited", "--requests-per-minute", "60", "--images-per-day", "20")


def problem_of(response: requests.Response) -> dict[str, object]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem: dict[str, object] = response.json()
    assert problem["status"] == response.status_code
    return problem


@pytest.mark.parametrize("code", OPEN, ids=lambda code: code.value)
def test_request_is_answered_with_the_code(client: Client, code: ErrorCode) -> None:
    problem = problem_of(OPEN[code](client))
    assert (problem["code"], problem["status"]) == (code.value, code.status), problem


@pytest.mark.parametrize("code", PROTECTED, ids=lambda code: code.value)
def test_request_with_a_key_is_answered_with_the_code(protected: tuple[Host, Client], code: ErrorCode) -> None:
    problem = problem_of(PROTECTED[code](protected[1]))
    assert (problem["code"], problem["status"]) == (code.value, code.status), problem


def test_broken_key_file_is_answered_with_the_code(protected: tuple[Host, Client]) -> None:
    assert problem_of(with_a_broken_file(*protected))["code"] == ErrorCode.KEYS_UNAVAILABLE


def take_too_much() -> None:
    with MemoryBudget(0).reservation() as reservation:
        reservation.grow(1)


def raised(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


RAISED: dict[ErrorCode, Callable[[], None]] = {
    ErrorCode.CLIENT_DISCONNECTED: raised(ClientDisconnect()),
    ErrorCode.REFUSED_BY_FOOOCUS: raised(ParameterError("steps: too many")),
    ErrorCode.INTERNAL_ERROR: raised(ZeroDivisionError()),
    ErrorCode.ENGINE_UNAVAILABLE: raised(EngineUnavailable("the worker thread is not running")),
    ErrorCode.SHUTTING_DOWN: raised(ShuttingDown("Fooocus is shutting down")),
    ErrorCode.DATABASE_UNAVAILABLE: raised(DatabaseUnavailable("disk I/O error")),
    ErrorCode.STORAGE_UNAVAILABLE: raised(StorageUnavailable("disk full")),
    ErrorCode.IMAGE_UNREADABLE: raised(not_readable("a.png", PermissionError(13, "locked"))),
    ErrorCode.SERVER_BUSY: take_too_much,
}
"""Code → a failure that no request to a healthy host causes."""
ELSEWHERE = {
    ErrorCode.TASK_STOPPED: "api/test_control.py",
    ErrorCode.GENERATION_FAILED: "api/test_failures.py",
    ErrorCode.TOOL_FAILED: "images/test_tool_turns.py",
    ErrorCode.QUEUE_FULL: "security/test_key_limits.py",
    ErrorCode.NO_API_KEY: "security/test_login.py",
    **dict.fromkeys(
        (
            ErrorCode.KEY_REQUIRED,
            ErrorCode.MODEL_FILE_EXISTS,
            ErrorCode.MODEL_FILE_IN_USE,
            ErrorCode.WRONG_DOWNLOAD_STATE,
            ErrorCode.TOO_MANY_DOWNLOADS,
            ErrorCode.MODEL_FOLDER_UNAVAILABLE,
        ),
        "model_files/test_routes.py",
    ),
    **dict.fromkeys(
        (ErrorCode.KEY_NOT_FOUND, ErrorCode.KEY_EXISTS, ErrorCode.KEY_FIXED, ErrorCode.LAST_ADMIN_KEY),
        "security/test_key_routes.py",
    ),
    ErrorCode.IMAGE_GONE: "images/test_archive.py",
    ErrorCode.API_UNAVAILABLE: "persistence/test_other_database.py",
    ErrorCode.FILE_UNREADABLE: "unit/test_late_calls.py",
}
"""Code → the file whose tests run the host that returns it."""


@pytest.mark.parametrize("code", RAISED, ids=lambda code: code.value)
def test_failure_is_answered_with_the_code(code: ErrorCode) -> None:
    app: typing.Any = FastAPI()
    add_handlers(app)
    app.get("/")(RAISED[code])

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/")

    response = asyncio.run(answer())
    assert response.status_code == code.status and response.json()["code"] == code.value


@pytest.mark.parametrize("code", ELSEWHERE, ids=lambda code: code.value)
def test_other_tests_assert_the_code(code: ErrorCode) -> None:
    text = (ROOT / "tests" / ELSEWHERE[code]).read_text("utf-8")
    assert f'"{code.value}"' in text or f"ErrorCode.{code.name}" in text


def test_every_code_is_tested_once() -> None:
    tested = [*OPEN, *PROTECTED, *RAISED, *ELSEWHERE, ErrorCode.KEYS_UNAVAILABLE]
    assert sorted(tested) == sorted(ErrorCode)


WRONG: dict[FieldErrorCode, Send] = {
    FieldErrorCode.REQUIRED: lambda client: client.post("/v1/engine/control"),
    FieldErrorCode.WRONG_TYPE: lambda client: client.generate(sharpness="very"),
    FieldErrorCode.OUT_OF_RANGE: lambda client: client.generate(sharpness=99),
    FieldErrorCode.TOO_LONG: lambda client: client.generate(prompt="a" * 20_001),
    FieldErrorCode.TOO_SHORT: lambda client: client.post("/v1/tools/describe-image", json={"image": ""}),
    FieldErrorCode.WRONG_COUNT: lambda client: client.generate(outpaint_distance=[1]),
    FieldErrorCode.INVALID_FORMAT: lambda client: client.get("/tasks", params={"start_at": "soon"}),
    FieldErrorCode.INVALID_JSON: lambda client: client.post("/v1/engine/generate", data="{"),
    FieldErrorCode.INVALID_FORM: lambda client: client.post(
        "/inputs", data="a", headers={"Content-Type": "multipart/form-data"}
    ),
    FieldErrorCode.UNKNOWN_VALUE: lambda client: client.generate(scheduler_name="kerras"),
    FieldErrorCode.UNKNOWN_FIELD: lambda client: client.get("/tasks", params={"action": "delete", "befor": "x"}),
    FieldErrorCode.UNREADABLE_IMAGE: lambda client: client.generate(uov_input_image="AAAA", uov_method="Vary (Subtle)"),
    FieldErrorCode.BLOCKED_ADDRESS: lambda client: client.generate(webhook_url="http://10.0.0.1/"),
    FieldErrorCode.CONFLICT: lambda client: client.post(
        "/v1/engine/control", params={"action": "stop"}, json={"action": "skip"}
    ),
    FieldErrorCode.NEEDS_FIELD: lambda client: client.generate(upscale_multiple=2),
    FieldErrorCode.DUPLICATE: lambda client: client.post("/v1/engine/control?action=stop&action=stop"),
    FieldErrorCode.NO_EFFECT: lambda client: client.get(
        "/tasks", params={"action": "delete", "end_at": "2001-01-01", "page": 1}
    ),
    FieldErrorCode.UNSUPPORTED: lambda client: client.generate(negative_prompt="<lora:demo_warm_light:1>"),
    FieldErrorCode.REFUSED: lambda client: client.generate(
        inpaint_input_image=upload(client, picture()).json()["url"],
        inpaint_mask_image_upload=upload(client, picture(colour=(0, 0, 0))).json()["url"],
    ),
}
"""Code of an entry → a request whose errors have it."""


@pytest.mark.parametrize("code", FieldErrorCode, ids=lambda code: code.value)
def test_invalid_field_has_the_code(client: Client, code: FieldErrorCode) -> None:
    errors: typing.Any = problem_of(WRONG[code](client))["errors"]
    assert code.value in [error["code"] for error in errors], errors


def test_only_known_types_of_pydantics_errors_have_a_code() -> None:
    assert set(CODES) - {"file_name", "key_name", "tag", "client_data", "duplicate"} <= set(typing.get_args(ErrorType))


MESSAGES: dict[str, tuple[Send, str, list[str] | None]] = {
    "preview_format": (
        lambda client: client.get("/v1/events", params={"preview_format": "tiff"}),
        "Input should be 'png', 'webp', 'jpeg' or 'jpg'",
        ["png", "webp", "jpeg", "jpg"],
    ),
    "outpaint_distance": (
        lambda client: client.generate(outpaint_distance=[1]),
        "must have at least 4 items, not 1",
        None,
    ),
    "loras[0]": (lambda client: client.generate(loras=["x"]), "must be a JSON object", None),
    "loras": (lambda client: client.generate(loras="x"), "must be a list", None),
}
"""Field → a request in which it is wrong, its message, and its allowed values."""


@pytest.mark.parametrize("field", MESSAGES)
def test_message_names_the_field_and_the_allowed_values(client: Client, field: str) -> None:
    send, message, allowed = MESSAGES[field]
    errors: typing.Any = problem_of(send(client))["errors"]
    (error,) = errors
    assert (error["field"], error["message"], error.get("allowed")) == (field, message, allowed)
