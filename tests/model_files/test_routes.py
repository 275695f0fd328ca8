"""Model files over HTTP, on a demo host: lists, downloads with their events, deletion, and requests that are refused."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from fooocus_api.adapters.startup.exposure_warnings import is_exposed
from fooocus_api.adapters.startup.launch_flags import Settings
from fooocus_api.tests.support.client import Client, events, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout
from fooocus_api.tests.support.keys import add_key
from fooocus_api.tests.support.servers.file_server import CONTENT, FileServer

PATH = "/v1/engine/model-files"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("models") / "demo")
    flags = ("--allow-private-urls", "127.0.0.1/32", "--model-disk-reserve", "0.01")
    with demo_host(*flags, step_ms=20, checkout=checkout) as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    return Client(host.url)


def post(client: Client, server: FileServer, behaviour: str, name: str, **fields: Any) -> dict[str, Any]:
    body = {"url": f"{server.url}/{behaviour}/x", "folder": "loras", "name": name, **fields}
    response = client.post(PATH, json=body)
    assert response.status_code == 202, response.text
    state: dict[str, Any] = response.json()
    assert response.headers["location"] == f"{client.url}{PATH}/downloads/{state['id']}"
    return state


def ended(client: Client, download_id: str) -> dict[str, Any]:
    with client.get(f"{PATH}/downloads/{download_id}/events", stream=True) as stream:
        return [event.data for event in events(stream)][-1]


def names(client: Client, folder: str) -> dict[str, dict[str, Any]]:
    files = client.get(PATH, params={"folder": folder}).json()["files"]
    return {file["name"]: file for file in files[folder]}


def test_downloaded_file_is_used_listed_and_deleted(host: Host, client: Client, server: FileServer) -> None:
    state = post(client, server, "broken_once", "sdxl/new one.safetensors", sha256=server.sha256.upper())
    assert ended(client, state["id"])["state"] == "done"
    listed = names(client, "loras")["sdxl/new one.safetensors"]
    assert listed["size"] == len(CONTENT) and listed["kind"] == "safetensors"
    assert (listed["sha256"], listed["short_hash"]) == (server.sha256, server.sha256[:10])
    assert "sdxl/new one.safetensors" in client.get("/v1/engines/all-models").json()["lora_filenames"]
    answer = client.request("DELETE", f"{PATH}/loras/sdxl/new%20one.safetensors")
    assert answer.status_code == 204 and not answer.content
    assert "sdxl/new one.safetensors" not in names(client, "loras")
    assert "sdxl/new one.safetensors" not in client.get("/v1/engines/all-models").json()["lora_filenames"]
    again = client.request("DELETE", f"{PATH}/loras/sdxl/new%20one.safetensors")
    assert again.status_code == 404 and again.json()["code"] == "model_file_not_found"


def test_list_has_all_folders_and_the_downloads(client: Client, server: FileServer) -> None:
    state = post(client, server, "whole", "listed.safetensors")
    ended(client, state["id"])
    answer = client.get(PATH).json()
    assert {"checkpoints", "loras", "vae", "embeddings", "controlnet", "inpaint", "sam"} <= set(answer["files"])
    assert "demo_daylight.safetensors" in {file["name"] for file in answer["files"]["checkpoints"]}
    assert answer["downloads"] == client.get(f"{PATH}/downloads").json()["downloads"]
    assert answer["downloads"][0] == client.get(f"{PATH}/downloads/{state['id']}").json()
    assert list(client.get(PATH, params={"folder": "vae"}).json()["files"]) == ["vae"]
    refused = client.get(PATH, params={"folder": "lora"})
    assert refused.status_code == 422 and "loras" in refused.json()["errors"][0]["allowed"]


def test_events_report_progress_and_end(client: Client, server: FileServer) -> None:
    state = post(client, server, "held", "held.safetensors")
    seen = []
    with client.get(f"{PATH}/downloads/{state['id']}/events", stream=True) as stream:
        for event in events(stream):
            seen.append(event)
            server.go_on.set()
    assert seen[-1].name == "done" and seen[-1].data["received"] == seen[-1].data["total"] == len(CONTENT)
    assert {event.name for event in seen} <= {"waiting", "downloading", "checking", "done"}
    with client.get(f"{PATH}/downloads/{state['id']}/events", stream=True) as stream:
        text = stream.text
    last = next(line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: "))
    answer = client.get(f"{PATH}/downloads/{state['id']}/events", headers={"Last-Event-ID": last})
    assert answer.status_code == 204


def test_cancel_and_resume(client: Client, server: FileServer) -> None:
    failed = post(client, server, "unauthorized", "secret.safetensors", headers={"Authorization": "Bearer bad"})
    assert ended(client, failed["id"])["error"]["code"] == "unauthorized"
    body = {"headers": {"Authorization": "Bearer good"}}
    resumed = client.post(f"{PATH}/downloads/{failed['id']}/resume", json=body)
    assert resumed.status_code == 200 and resumed.json()["state"] == "waiting"
    assert ended(client, failed["id"])["state"] == "done"
    for action in ("cancel", "resume"):
        refused = client.post(f"{PATH}/downloads/{failed['id']}/{action}")
        assert refused.status_code == 409 and refused.json()["code"] == "wrong_download_state"
    held = post(client, server, "held", "cancelled.safetensors")
    assert client.post(f"{PATH}/downloads/{held['id']}/cancel").json()["state"] == "cancelled"
    assert ended(client, held["id"])["state"] == "cancelled"


def test_no_credential_is_shown_or_logged(host: Host, client: Client, server: FileServer) -> None:
    url = f"{server.url}/whole/x?token=hush-hush-1"
    state = client.post(
        PATH, json={"url": url, "folder": "loras", "name": "quiet.safetensors", "headers": {"X-Key": "hush-hush-2"}}
    ).json()
    ended(client, state["id"])
    assert server.seen[0].path.endswith("hush-hush-1") and server.seen[0].headers["x-key"] == "hush-hush-2"
    assert "hush-hush" not in client.get(PATH).text + host.log()
    stored = (host.checkout / "models" / "loras" / ".fooocus-api").glob("*.json")
    assert not any("hush-hush" in file.read_text("utf-8") for file in stored)


INVALID: dict[str, tuple[dict[str, Any], str, str]] = {
    "no-url": ({"folder": "loras"}, "url", "required"),
    "ftp": ({"url": "ftp://a.example/x"}, "url", "invalid_format"),
    "file": ({"url": "file:///etc/passwd"}, "url", "invalid_format"),
    "private": ({"url": "https://10.0.0.1/a.safetensors"}, "url", "blocked_address"),
    "plain-http": ({"url": "http://192.0.2.1/a.safetensors"}, "url", "blocked_address"),
    "own-other-address": ({"url": "https://127.0.0.2/a.safetensors"}, "url", "blocked_address"),
    "page": ({"url": "https://huggingface.co/a/b/blob/main/c.safetensors"}, "url", "invalid_format"),
    "folder": ({"folder": "lora"}, "folder", "unknown_value"),
    "folder-with-dots": ({"folder": "../loras"}, "folder", "unknown_value"),
    "name-with-dots": ({"name": "../a.safetensors"}, "name", "invalid_format"),
    "name-of-a-device": ({"name": "con.safetensors"}, "name", "invalid_format"),
    "not-a-model": ({"name": "a.py"}, "name", "invalid_format"),
    "onnx-in-loras": ({"name": "a.onnx"}, "name", "invalid_format"),
    "pickle": ({"name": "a.ckpt"}, "name", "refused"),
    "pickle-in-the-url": ({"url": "http://127.0.0.1:9/a.ckpt", "name": None}, "name", "refused"),
    "sha256": ({"sha256": "abc"}, "sha256", "invalid_format"),
    "size": ({"size": 0}, "size", "out_of_range"),
    "unknown": ({"overwrite": True}, "overwrite", "unknown_field"),
    "header-line": ({"headers": {"A": "b\r\nHost: c"}}, "headers.A", "invalid_format"),
    "header-name": ({"headers": {"A b": "c"}}, "headers.A b", "invalid_format"),
    "own-header": ({"headers": {"Range": "bytes=0-"}}, "headers.Range", "invalid_format"),
    "many-headers": ({"headers": {f"A{number}": "b" for number in range(17)}}, "headers", "wrong_count"),
    "headers-type": ({"headers": ["a"]}, "headers", "wrong_type"),
}


@pytest.mark.parametrize("case", INVALID)
def test_invalid_request_names_the_field(client: Client, case: str) -> None:
    changes, field, code = INVALID[case]
    body = {"url": "http://127.0.0.1:9/a.safetensors", "folder": "loras", "name": "new.safetensors", **changes}
    if case == "no-url":
        del body["url"]
    response = client.post(PATH, json=body)
    assert response.status_code == 422, response.text
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]


def test_taken_name_answers_409(client: Client) -> None:
    body = {"url": "http://127.0.0.1:9/x", "folder": "checkpoints", "name": "DEMO_daylight.safetensors"}
    response = client.post(PATH, json=body)
    assert response.status_code == 409 and response.json()["code"] == "model_file_exists"


def test_used_model_is_not_deleted(host: Host, client: Client) -> None:
    task_id = client.submit(base_model_name="demo_nightfall.safetensors", overwrite_step=200)["task_id"]
    client.until(task_id, "running")
    path = f"{PATH}/checkpoints/demo_nightfall.safetensors"
    refused = client.request("DELETE", path)
    assert refused.status_code == 409 and refused.json()["code"] == "model_file_in_use"
    client.post(f"/tasks/{task_id}/stop")
    client.ended(task_id)
    loaded = client.request("DELETE", path)
    assert loaded.status_code == 409 and "unload" in loaded.json()["detail"]
    assert client.post("/v1/engine/unload").status_code == 200
    file = host.checkout / "models" / "checkpoints" / "demo_nightfall.safetensors"
    content = file.read_bytes()
    assert client.request("DELETE", path).status_code == 204
    file.write_bytes(content)


@pytest.mark.parametrize(
    "path",
    [
        "loras/none.safetensors",
        "none/demo_warm_light.safetensors",
        "loras/../checkpoints/demo_daylight.safetensors",
        "loras/%2e%2e/checkpoints/demo_daylight.safetensors",
        "loras/..%5ccheckpoints%5cdemo_daylight.safetensors",
        "loras//etc/passwd",
        "loras/.fooocus-api",
    ],
)
def test_other_files_are_not_deleted(host: Host, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)  # it sends the path as it is
    connection.request("DELETE", f"{PATH}/{path}")
    assert connection.getresponse().status == 404
    connection.close()
    assert (host.checkout / "models" / "checkpoints" / "demo_daylight.safetensors").is_file()


def test_unknown_names_are_refused(client: Client) -> None:
    for answer in (
        client.request("DELETE", f"{PATH}/loras/demo_warm_light.safetensors", params={"force": "1"}),
        client.post(f"{PATH}/downloads/none/cancel", json={"keep": True}),
    ):
        assert answer.status_code == 422 and answer.json()["errors"][0]["code"] == "unknown_field"
    assert "demo_warm_light.safetensors" in names(client, "loras")


def test_exposed_server_needs_a_key() -> None:
    with demo_host("--nowebui", "--listen", "0.0.0.0") as exposed:
        body = {"url": "https://127.0.0.1/x", "folder": "loras"}
        for answer in (
            Client(exposed.url).get(PATH),
            Client(exposed.url).post(PATH, json=body),
            Client(exposed.url).request("DELETE", f"{PATH}/loras/none.safetensors"),
        ):
            assert answer.status_code == 403 and answer.json()["code"] == "key_required"
        admin, user = add_key(exposed, "boss", "--scopes", "admin"), add_key(exposed, "user")
        assert admin.get(PATH).status_code == 200
        assert user.get(PATH).json()["code"] == "insufficient_scope"


@pytest.mark.parametrize(
    ("settings", "exposed"),
    [
        (Settings(), False),
        (Settings(listen="localhost"), False),
        (Settings(listen="::1", base_url="http://127.0.0.1:80"), False),
        (Settings(listen="192.168.1.5"), True),
        (Settings(share=True), True),
        (Settings(base_url="https://fooocus.example/api"), True),
    ],
)
def test_exposure_is_known_by_the_flags(settings: Settings, exposed: bool) -> None:
    assert is_exposed(settings) is exposed


def test_folder_that_can_not_be_written_answers_503(host: Host, client: Client) -> None:
    folder = host.checkout / "models" / "upscale_models"
    folder.mkdir(exist_ok=True)
    (folder / ".fooocus-api").write_text("a file", "utf-8")
    body = {"url": "http://127.0.0.1:9/a.safetensors", "folder": "upscale_models"}
    response = client.post(PATH, json=body)
    assert response.status_code == 503 and response.json()["code"] == "model_folder_unavailable"


def test_full_list_of_downloads_answers_429(client: Client, server: FileServer) -> None:
    made = []
    for number in range(60):
        body = {"url": f"{server.url}/held/x", "folder": "vae", "name": f"{number}.safetensors"}
        response = client.post(PATH, json=body)
        if response.status_code == 429:
            break
        made.append(response.json()["id"])
    assert response.json()["code"] == "too_many_downloads" and response.headers["retry-after"] == "60"
    for download_id in made:
        client.post(f"{PATH}/downloads/{download_id}/cancel")
    wait_for(lambda: not list(_parts(client)), "no download to be active")


def _parts(client: Client) -> Iterator[dict[str, Any]]:
    for state in client.get(f"{PATH}/downloads").json()["downloads"]:
        if state["state"] in ("waiting", "downloading", "checking"):
            yield state
