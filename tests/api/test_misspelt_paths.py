"""Misspelt paths of the API: the API answers them with the nearest path, and leaves Gradio's paths to Gradio."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.api.path_prefixes import is_misspelt, nearest_path
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, demo_host
from fooocus_api.tests.support.hosts.forks import insert
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

PAGE = "https://shop.example"
NO_TASK = "0" * 32


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Yield a client of a host with the WebUI, an allowed origin, and a fork's route that resembles one of the API's."""
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("fork") / "demo")
    insert(
        checkout / "webui.py",
        "shared.gradio_root.launch(",
        "import gradio.routes\n_create_app = gradio.routes.App.create_app\n\n\n"
        "def _with_route(*args, **kwargs):\n    app = _create_app(*args, **kwargs)\n"
        "    app.add_api_route('/tool', lambda: 'a tool of the fork')\n    return app\n\n\n"
        "gradio.routes.App.create_app = _with_route\n",
    )
    with demo_host("--api-cors", PAGE, step_ms=0, checkout=checkout) as host:
        yield Client(host.url)


@pytest.mark.parametrize(
    ("method", "path", "nearest"),
    [
        ("GET", f"/task/{NO_TASK}", "/tasks/{task_id}"),
        ("GET", "/task", "/tasks"),
        ("GET", "/Tasks", "/tasks"),
        ("GET", "/tasksx", "/tasks"),
        ("POST", f"/taks/{NO_TASK}/stop", "/tasks/{task_id}/stop"),
        ("DELETE", f"/task/{NO_TASK}", "/tasks/{task_id}"),
        ("GET", f"/tasks/{NO_TASK}/event", "/tasks/{task_id}/events"),
        ("POST", f"/tasks/{NO_TASK}/stpo", "/tasks/{task_id}/stop"),
        ("GET", "/output/2026-01-31/a.png", "/outputs/{date}/{file_name}"),
        ("POST", "/input", "/inputs"),
        ("POST", "/v1/engine/generat", "/v1/engine/generate"),
        ("POST", "/v1/generate", "/v1/engine/generate"),
        ("POST", "/v2/engine/generate", "/v1/engine/generate"),
        ("POST", "/engine/generate", "/v1/engine/generate"),
        ("GET", "/engines/all-models", "/v1/engines/all-models"),
        ("GET", "/v1/engine/styles", "/v1/engines/styles"),
        ("POST", "/v1/tools/describe_image", "/v1/tools/describe-image"),
    ],
)
def test_it_is_answered_with_the_nearest_path(client: Client, method: str, path: str, nearest: str) -> None:
    response = client.request(method, path, headers={"Origin": PAGE})
    assert response.status_code == 404, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.json()["nearest"] == nearest and nearest in response.json()["detail"]
    asked = client.request("OPTIONS", path, headers={"Origin": PAGE, "Access-Control-Request-Method": method})
    assert asked.status_code == 200 and asked.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/xyz/abc/def", "/v1/%00/é", f"/v1/{'x' * 5000}"])
def test_a_path_like_none_has_none_named(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404 and response.headers["content-type"] == "application/problem+json"
    assert len(response.json()["detail"]) < 300


@pytest.mark.parametrize(
    "path", ["/config", "/info", "/startup-events", "/token", "/app_id", "/theme.css", "/robots.txt"]
)
def test_gradios_paths_are_gradios(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200 and "problem" not in response.headers["content-type"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/upload/x", "/assets/none.js", "/static/none.js", "/apple-touch-icon.png"]
)
def test_what_is_nothing_of_ours_is_left_to_gradio(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.headers["content-type"] != "application/problem+json"


def test_a_route_of_a_fork_is_the_forks(client: Client) -> None:
    assert client.get("/tool").json() == "a tool of the fork"
    assert client.get("/tols").headers["content-type"] == "application/problem+json"


def test_what_is_misspelt() -> None:
    for first in (
        "task",
        "taks",
        "TASKS",
        "tasks.json",
        "output",
        "outputs1",
        "inptus",
        "v2",
        "v1.1",
        "engine",
        "generat",
    ):
        assert is_misspelt(first), first
    gradio = "config info queue upload run login logout user token app_id reset static assets file proxy api stream theme.css"
    for first in ("", "favicon.ico", "x" * 5000, "vae", "v", "file=outputs", "tooltip.css", *gradio.split()):
        assert not is_misspelt(first), first


def test_the_nearest_path() -> None:
    paths = ["/tasks", "/tasks/{task_id}", "/tasks/{task_id}/stop", "/v1/info"]
    assert nearest_path("/tasks/a/b/c/d", ["/v1/info"]) is None and nearest_path("", paths) is None
    assert nearest_path("/task/{task_id}", paths) == "/tasks/{task_id}" and nearest_path("/v1/inf", paths) == "/v1/info"


# ------------------------------------------------------------------ ids, times, 202 and stop


def test_an_id_may_be_written_as_a_uuid(client: Client) -> None:
    task_id = client.draw()["task_id"]
    dashed = "-".join((task_id[:8], task_id[8:12], task_id[12:16], task_id[16:20], task_id[20:]))
    for written in (dashed, dashed.upper()):
        assert client.task(written)["task_id"] == task_id
        assert client.post(f"/tasks/{written}/stop").status_code == 409
        assert client.get(f"/tasks/{written}/webhooks").json()["task_id"] == task_id
        with client.get(f"/tasks/{written}/events", stream=True) as stream:
            assert task_id.encode() in next(stream.iter_content(65536))
        control = client.post("/v1/engine/control", params={"action": "stop", "task_id": written})
        assert control.status_code == 409 and task_id in control.json()["detail"]
    for wrong in (f"{dashed}0", dashed[1:], dashed.replace("-", "--"), f"{{{dashed}}}", task_id.upper()):
        assert client.get(f"/tasks/{wrong}").status_code == 404, wrong
    assert client.request("DELETE", f"/tasks/{dashed}").status_code == 204
    assert client.get(f"/tasks/{task_id}").status_code == 404


def test_times_are_taken_in_milliseconds_as_records_have_them(client: Client) -> None:
    first, second = client.draw(), client.draw()

    def found(**query: int | str) -> set[str]:
        return {record["task_id"] for record in client.tasks(query="history", page_size=100, **query)["history"]}

    both = {first["task_id"], second["task_id"]}
    assert both <= found(start_at=first["in_queue_mills"], end_at=second["in_queue_mills"])
    assert not both & found(start_at=second["in_queue_mills"] + 1)
    assert first["task_id"] in found(end_at=f" {first['in_queue_mills']} ")
    assert second["task_id"] not in found(end_at=second["in_queue_mills"] - 1)
    for wrong in (first["in_queue_mills"] // 1000, -first["in_queue_mills"], "1e12", "٠" * 13):
        response = client.get("/tasks", params={"start_at": wrong})
        assert response.status_code == 422 and "milliseconds" in response.json()["detail"], wrong
    gone = {"action": "delete", "start_at": second["in_queue_mills"], "end_at": second["in_queue_mills"]}
    assert client.get("/tasks", params=gone).json()["deleted"] >= 1
    assert client.get(f"/tasks/{second['task_id']}").status_code == 404


def test_a_202_says_when_to_look_again(client: Client) -> None:
    response = client.post("/v1/engine/generate", json={"prompt": "x"}, headers={"Prefer": "respond-async"})
    assert response.status_code == 202 and 1 <= int(response.headers["Retry-After"]) <= 60
    assert client.ended(response.headers["X-Task-Id"])["task_status"] == "finished"


def test_a_stop_is_answered_with_how_it_is_then() -> None:
    with demo_host(step_ms=100) as host:
        client = Client(host.url)
        task_id = client.submit(overwrite_step=100)["task_id"]
        client.until(task_id, "running")
        stopped = client.post(f"/tasks/{task_id}/stop").json()
        assert stopped["task_status"] == "stopped" or stopped["stopping"] is True
        assert client.ended(task_id)["task_status"] == "stopped" and "stopping" not in client.task(task_id)
    with demo_host(step_ms=4000) as host:
        client = Client(host.url)
        task_id = client.submit(overwrite_step=100)["task_id"]
        client.until(task_id, "running")
        slow = client.post(f"/tasks/{task_id}/stop").json()
        assert (slow["task_status"], slow["stopping"]) == ("running", True)
        assert client.ended(task_id)["task_status"] == "stopped"
