"""Jobs of Fooocus-API on a host with keys: progress, lists, stops, deletion, URLs, webhooks, and the scopes of its routes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from fooocus_api.tests.support.api_calls.scopes_of_routes import ANY, READERS, SCOPES
from fooocus_api.tests.support.client import Client, picture, wait_for
from fooocus_api.tests.support.compat.legacy import (
    HISTORY,
    JOB,
    QUERY,
    QUICK,
    STOP,
    TEXT,
    ended,
    png,
    post,
    text,
)
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key
from fooocus_api.tests.support.servers.webhook_receiver import Receiver

LONG: dict[str, Any] = {"advanced_params": {**QUICK["advanced_params"], "overwrite_step": 200}}
ROUTES: dict[str, tuple[set[str], int, dict[str, Any]]] = {
    f"POST {TEXT}": ({"generate"}, 422, {"json": {"image_number": 0}}),
    "POST /v2/generation/text-to-image-with-ip": ({"generate"}, 422, {"json": {"image_number": 0}}),
    "POST /v2/generation/image-upscale-vary": ({"generate"}, 422, {"json": {}}),
    "POST /v2/generation/image-inpaint-outpaint": ({"generate"}, 422, {"json": {"image_number": 0}}),
    "POST /v2/generation/image-prompt": ({"generate"}, 422, {"json": {"image_number": 0}}),
    "POST /v2/generation/image-enhance": ({"generate"}, 422, {"json": {"image_number": 0}}),
    "POST /v1/generation/image-upscale-vary": ({"generate"}, 415, {}),
    "POST /v1/generation/image-inpaint-outpaint": ({"generate"}, 415, {}),
    "POST /v1/generation/image-prompt": ({"generate"}, 415, {}),
    "POST /v1/generation/image-enhance": ({"generate"}, 415, {}),
    f"GET {QUERY}?job_id=none": (READERS, 404, {}),
    "GET /v1/generation/job-queue": (READERS, 200, {}),
    f"GET {HISTORY}": (READERS, 200, {}),
    f"GET {HISTORY}?delete=true&job_id=none": (set(), 403, {}),  # reading and control, which no key has here
    f"POST {STOP}": ({"control"}, 200, {}),
    "POST /v1/engines/refresh-models": (ANY, 200, {}),
    "GET /v1/engines/clean_vram": ({"admin"}, 200, {}),
    "GET /files/2026-01-01/x.png": (READERS, 404, {}),
    "HEAD /files/2026-01-01/x.png": (READERS, 404, {}),
    "GET /ping": (ANY, 200, {}),
}
"""Route → the scopes that open it, and the status that then answers a harmless request, and that request's arguments."""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--allow-private-urls", "127.0.0.0/8", step_ms=20) as running:
        yield running


@pytest.fixture(scope="module")
def ann(host: Host) -> Client:
    return add_key(host, "ann")


@pytest.fixture(scope="module")
def bob(host: Host, ann: Client) -> Client:
    return add_key(host, "bob")


@pytest.fixture(scope="module")
def clients(host: Host, ann: Client) -> dict[str, Client]:
    """Return a client for each scope, with that scope alone."""
    return {scope: add_key(host, f"only-{scope}", "--scopes", scope) for scope in SCOPES}


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_opens_for_its_scopes_alone(host: Host, clients: dict[str, Client], route: str) -> None:
    opening, status, arguments = ROUTES[route]
    method, path = route.split()
    for scope, client in clients.items():
        response = client.request(method, path, **arguments)
        assert response.status_code == (status if scope in opening else 403), scope
    stranger = Client(host.url).request(method, path)
    assert stranger.status_code == (200 if path == "/ping" else 403)
    if method != "HEAD" and path != "/ping":
        assert set(stranger.json()) == {"detail"} and "www-authenticate" not in stranger.headers


def test_a_schema_shows_each_route(ann: Client) -> None:
    paths = ann.get("/v1/openapi/legacy.json").json()["paths"]
    shown = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    filled = {route.partition("?")[0].replace("2026-01-01/x.png", "{date}/{file_name}") for route in ROUTES}
    assert shown == {route for route in filled if not route.startswith("HEAD")}


def test_a_running_job_has_steps_and_previews(ann: Client) -> None:
    job_id = post(ann, async_process=True, **LONG).json()["job_id"]

    def sampling() -> dict[str, Any] | None:
        job = ann.get(QUERY, params={"job_id": job_id, "require_step_preview": "true"}).json()
        return job if job["job_step_preview"] and "Step" in (job["job_status"] or "") else None

    job = wait_for(sampling, "a preview")
    assert set(job) == JOB and job["job_stage"] == "RUNNING" and 0 <= job["job_progress"] < 100
    assert job["job_status"].endswith("/200 in the 1-th Sampling") and job["job_result"] is None
    assert ann.get(QUERY, params={"job_id": job_id}).json()["job_step_preview"] is None
    assert ann.post(STOP, json={}).json() == {"msg": "success"}
    done = ended(ann, job_id)
    assert (done["job_stage"], done["job_result"]) == ("ERROR", None) and done["job_error"] == "the job is stopped"


def test_a_stop_with_an_id_means_that_job(ann: Client, bob: Client) -> None:
    running = post(ann, async_process=True, **LONG).json()["job_id"]
    waiting = post(ann, async_process=True, **LONG).json()
    assert (waiting["job_stage"], waiting["job_status"], waiting["job_progress"]) == ("WAITING", None, 0)
    assert ann.post(STOP, json={"job_id": waiting["job_id"]}).status_code == 200
    assert ended(ann, waiting["job_id"])["job_stage"] == "ERROR"
    assert ann.get(QUERY, params={"job_id": running}).json()["job_stage"] in ("WAITING", "RUNNING")
    for arguments in ({"json": {"task_id": running}}, {"params": {"id": running}}, {"json": {"job_id": ""}}):
        assert ann.post(STOP, **arguments).status_code == 422
    assert bob.post(STOP, json={"job_id": running}).status_code == 404
    assert bob.post(STOP).json() == {"msg": "success"}  # the running job is not bob's
    assert ann.get(QUERY, params={"job_id": running}).json()["job_stage"] in ("WAITING", "RUNNING")
    for _ in range(2):  # a job that has ended needs no stop
        assert ann.post(STOP, params={"job_id": running}).json() == {"msg": "success"}
        ended(ann, running)


def test_a_stopped_request_has_no_image(ann: Client) -> None:
    for headers, status in (({}, 400), ({"Accept": "image/png"}, 400)):
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(ann.post, TEXT, json={**QUICK, **LONG}, headers=headers)
            wait_for(lambda: ann.get("/v1/queue").json()["running"], "the job to run")
            ann.post(STOP)
            response = waiting.result()
        assert response.status_code == status and "USER_CANCEL" in response.text


def test_lists_have_the_key_s_own_jobs(ann: Client, bob: Client) -> None:
    job_id = post(bob, async_process=True).json()["job_id"]
    ended(bob, job_id)
    assert bob.get(QUERY, params={"job_id": job_id}).status_code == 200
    hidden = ann.get(QUERY, params={"job_id": job_id})
    assert hidden.status_code == 404 and hidden.json()["job_type"] == "Not Found" and hidden.json()["job_id"] == ""
    queue = bob.get("/v1/generation/job-queue").json()
    assert queue == {"running_size": 0, "finished_size": queue["finished_size"], "last_job_id": job_id}
    (entry,) = bob.get(HISTORY, params={"job_id": job_id}).json()["history"]
    assert entry["is_finished"] is True and entry["in_queue_mills"] <= entry["start_mills"] <= entry["finish_mills"]
    assert ann.get(HISTORY, params={"job_id": job_id}).json() == {"queue": [], "history": []}
    assert job_id not in [one["job_id"] for one in ann.get(HISTORY).json()["history"]]


def test_a_history_is_in_order_and_has_pages_on_request(bob: Client) -> None:
    ids = [post(bob, async_process=True).json()["job_id"] for _ in range(2)]
    for job_id in ids:
        ended(bob, job_id)
    assert [one["job_id"] for one in bob.get(HISTORY, params={"page": 3}).json()["history"]][-2:] == ids
    assert [one["job_id"] for one in bob.get(HISTORY, params={"page_size": 1}).json()["history"]] == ids[1:]
    assert [one["job_id"] for one in bob.get(HISTORY, params={"page_size": 1, "page": 1}).json()["history"]] == ids[:1]
    running = post(bob, async_process=True, **LONG).json()["job_id"]
    (entry,) = bob.get(HISTORY).json()["queue"]
    assert entry["job_id"] == running and entry["is_finished"] is False and entry["finish_mills"] == 0
    bob.post(STOP, json={"job_id": running})
    ended(bob, running)


def test_a_job_is_deleted_with_its_images(ann: Client, bob: Client) -> None:
    job = ended(ann, post(ann, async_process=True).json()["job_id"])
    wanted = {"delete": "true", "job_id": job["job_id"]}
    assert bob.get(HISTORY, params=wanted).json() == {"message": "Not found"}
    assert ann.get(HISTORY, params={**wanted, "force": "1"}).status_code == 422
    assert ann.get(HISTORY, params=wanted, headers={"Origin": "https://other.example"}).status_code == 403
    assert ann.get(HISTORY, params=wanted).json() == {"message": "Deleted"}
    assert ann.get(job["job_result"][0]["url"]).status_code == 404
    assert ann.get(HISTORY, params=wanted).json() == {"message": "Not found"}


def test_urls_are_signed_for_their_image_alone(host: Host, ann: Client) -> None:
    first, second = (post(ann).json()[0]["url"] for _ in range(2))
    assert picture(requests.get(first, timeout=60).content).format == "PNG"
    converted = requests.get(first, headers={"Accept": "image/webp"}, timeout=60)
    assert converted.headers["content-type"] == "image/webp"
    assert requests.get(first.replace("/files/", "/outputs/"), timeout=60).status_code == 200
    other = f"{second.partition('?')[0]}?{first.partition('?')[2]}"
    refused = requests.get(other, timeout=60)
    assert refused.status_code == 403 and isinstance(refused.json()["detail"], str)
    assert requests.get(first.partition("?")[0], timeout=60).status_code == 403


def test_pages_of_other_sites_free_no_memory(clients: dict[str, Client]) -> None:
    admin, path = clients["admin"], "/v1/engines/clean_vram"
    for address in (path, f"{path}/"):
        assert admin.get(address, headers={"Origin": "https://other.example"}).status_code == 403
        assert admin.get(address, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert admin.get(path, params={"really": 1}).status_code == 422
    assert admin.get(path).json() == {"message": "ok"}


def test_a_webhook_has_the_body_of_fooocus_api(ann: Client) -> None:
    with Receiver() as receiver:
        job = ended(ann, post(ann, async_process=True, webhook_url=receiver.url, image_seed=7).json()["job_id"])
        delivery = receiver.next()
    (image,) = delivery.record["job_result"]
    assert set(delivery.record) == {"job_id", "job_result"} and delivery.record["job_id"] == job["job_id"]
    assert set(image) == {"url", "seed"} and image["seed"] == "7" and "/files/" in image["url"]
    assert "webhook-id" in delivery.headers


def test_tools_are_those_of_this_api(ann: Client) -> None:
    files = {"image": ("x.png", png(), "image/png")}
    described = ann.post(
        "/v1/tools/describe-image", params={"image_type": "Anime"}, files=files, data={"type": "Photo"}
    )
    assert isinstance(described.json()["describe"], str) and described.headers["x-ignored-fields"] == "type"
    mask = ann.post("/v1/tools/generate_mask", json={"image": text(png()), "mask_model": "u2net", "dino_debug": False})
    assert isinstance(mask.json(), str)
    assert set(ann.post("/v1/engines/refresh-models").json()) == {"model_filenames", "lora_filenames"}


def test_a_full_queue_says_so_in_each_form(host: Host) -> None:
    poor = add_key(host, "poor", "--pending-tasks", "1")
    jobs = [post(poor, async_process=True, **LONG).json()["job_id"]]
    wait_for(lambda: poor.get(QUERY, params={"job_id": jobs[0]}).json()["job_stage"] == "RUNNING", "the start")
    jobs.append(post(poor, async_process=True, **LONG).json()["job_id"])
    job, images = post(poor, async_process=True), post(poor)
    image = poor.post(TEXT, json=QUICK, headers={"Accept": "image/png"})
    assert (job.status_code, images.status_code, image.status_code) == (429, 429, 409)
    assert job.json()["job_result"][0]["finish_reason"] == "QUEUE_IS_FULL" and job.json()["job_id"] == ""
    assert images.json()[0]["finish_reason"] == image.text == "QUEUE_IS_FULL"
    assert all(int(one.headers["retry-after"]) >= 0 for one in (job, images, image))
    for job_id in reversed(jobs):
        poor.post(STOP, json={"job_id": job_id})
