"""Keys of AUTOMATIC1111's clients: what each may do and sees, and the settings that each keeps."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fooocus_api.tests.support.client import QUICK, Client, wait_for
from fooocus_api.tests.support.compat.a1111 import A1111, API, decoded, png
from fooocus_api.tests.support.compat.a1111 import QUICK as A1111_QUICK
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key, key_of

SCOPES = {
    "GET progress": {"read"},
    "POST txt2img": {"generate"},
    "POST img2img": {"generate"},
    "GET options": {"generate"},
    "POST options": {"generate"},
    "POST interrupt": {"control"},
    "POST skip": {"control"},
    "POST extra-single-image": {"generate"},
    "POST extra-batch-images": {"generate"},
    "POST png-info": {"generate"},
    "POST interrogate": {"generate"},
    "POST refresh-checkpoints": {"generate"},
    "POST unload-checkpoint": {"admin"},
    "POST reload-checkpoint": {"generate"},
}


def without_hashes(options: dict[str, Any]) -> dict[str, Any]:
    """Return settings without the hash of the checkpoint, which is known once the checkpoint was loaded."""
    title = options["sd_model_checkpoint"].split(" [")[0]
    return {**options, "sd_model_checkpoint": title, "sd_checkpoint_hash": ""}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=20) as running:
        yield running


@pytest.fixture(scope="module")
def anna(host: Host) -> A1111:
    return A1111(host, ("user", key_of(add_key(host, "anna"))))


@pytest.fixture(scope="module")
def ben(host: Host) -> A1111:
    return A1111(host, ("", key_of(add_key(host, "ben"))))


def test_a_request_without_a_key_asks_for_a_password(host: Host, anna: A1111) -> None:
    nothing = base64.b64encode(b"").decode()
    for headers in ({}, {"Authorization": ""}, {"Authorization": "Basic " + nothing}, {"Authorization": "Basic ~"}):
        for path in ("options", "progress", "none-such"):
            answer = requests.get(f"{host.url}{API}/{path}", headers=headers, timeout=60)
            assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Basic ")
            assert answer.headers["Content-Type"] == "application/json" and "key" in answer.json()["detail"]
    assert anna.get("options").status_code == 200
    bearer = requests.get(f"{host.url}{API}/options", headers={"X-API-KEY": str(anna.session.auth[1])}, timeout=60)  # type: ignore[index]
    assert bearer.status_code == 200


@pytest.mark.parametrize("scope", ["generate", "read", "control", "admin"])
def test_each_route_has_its_scope(host: Host, scope: str) -> None:
    api = A1111(host, ("user", key_of(add_key(host, f"only-{scope}", "--scopes", scope))))
    for route, opening in SCOPES.items():
        method, path = route.split()
        body = None if method == "GET" else {"script_name": "x", "imageList": []}
        answer = api.session.request(method, f"{api.url}{API}/{path}", json=body, timeout=60)
        assert (answer.status_code != 403) == (scope in opening), (route, answer.text)
        if answer.status_code == 403:
            assert answer.json()["error"] == "insufficient_scope"
    assert api.get("sd-models").status_code == 200


def test_each_key_keeps_its_own_settings(host: Host, anna: A1111, ben: A1111) -> None:
    titles = [one["title"] for one in anna.json("sd-models")]
    before = anna.json("options")
    other = next(title for title in titles if title != before["sd_model_checkpoint"])
    sent = {"sd_model_checkpoint": other, "CLIP_stop_at_last_layers": 3.0, "samples_format": "webp", "unknown": [1]}
    assert anna.post("options", sent).json() is None
    assert anna.post("options", {"sd_vae": "demo_vivid_vae.safetensors"}).status_code == 200
    kept = anna.json("options")
    assert (kept["sd_model_checkpoint"], kept["CLIP_stop_at_last_layers"], kept["samples_format"]) == (other, 3, "webp")
    assert kept["sd_vae"] == "demo_vivid_vae.safetensors" and ben.json("options") == before
    (image,), info = anna.draw(width=256, height=256)
    assert (image.format, info["sd_model_name"], info["clip_skip"]) == ("WEBP", other.split(".")[0], 3)
    (image,), _ = anna.draw(width=256, height=256, override_settings={"samples_format": "png"})
    assert image.format == "PNG"
    (image,), info = ben.draw(width=256, height=256)
    assert (image.format, info["sd_model_name"]) == ("PNG", before["sd_model_checkpoint"].split(".")[0])
    assert anna.post("options", {"sd_model_checkpoint": "none such"}).status_code == 404
    assert without_hashes(anna.json("options")) == without_hashes(kept)


def test_settings_last_over_a_restart_and_requests_may_keep_theirs(host: Host, anna: A1111) -> None:
    anna.draw(
        width=256,
        height=256,
        override_settings={"CLIP_stop_at_last_layers": 5},
        override_settings_restore_afterwards=False,
    )
    before = anna.json("options")
    assert before["CLIP_stop_at_last_layers"] == 5
    host.stop()
    host.start()
    assert without_hashes(anna.json("options")) == without_hashes(before)
    anna.post("options", dict.fromkeys(before))
    assert anna.json("options")["samples_format"] == "png"


def test_a_key_sees_and_stops_its_own_job_alone(host: Host, anna: A1111, ben: A1111) -> None:
    native = Client(host.url, str(anna.session.auth[1]))  # type: ignore[index]
    first, answers = anna.begin(steps=150, n_iter=3)
    try:
        assert ben.json("progress")["state"]["job"] == ""
        second, others = ben.begin(steps=2)
        waiting = ben.json("progress")
        assert waiting["state"]["job"] == "scripts_txt2img" and waiting["progress"] == 0.0
        assert ben.post("interrupt").json() == {}  # its own, which waits
        second.join(60)
        assert others[0].status_code == 200 and others[0].json()["images"] == []
        assert ben.post("skip").json() is None
        running = anna.json("progress")["state"]
        assert running["job_count"] == 3 and not running["interrupted"]
        assert len(native.tasks()["current"]) == 1
    finally:
        anna.post("interrupt")
        first.join(60)
    assert answers[0].status_code == 200
    wait_for(lambda: anna.json("progress")["state"]["job"] == "", "the end")


def test_a_task_of_the_native_api_is_the_callers_job(host: Host, anna: A1111, ben: A1111) -> None:
    native = Client(host.url, str(anna.session.auth[1]))  # type: ignore[index]
    task_id = native.submit(**{**QUICK, "overwrite_step": 190})["task_id"]
    native.until(task_id, "running")
    assert anna.json("progress")["state"]["job_count"] == 1 and ben.json("progress")["state"]["job_count"] == 0
    token = Client(host.url, str(ben.session.auth[1])).post("/v1/tokens").json()["token"]  # type: ignore[index]
    seen = requests.get(f"{host.url}{API}/progress", params={"token": token}, timeout=60)
    assert seen.status_code == 200 and seen.json()["state"]["job_count"] == 0 and seen.json()["current_image"] is None
    ben.post("interrupt")
    anna.post("interrupt")
    assert native.ended(task_id)["task_status"] == "stopped"


def test_images_are_not_lost_if_the_second_pass_of_one_is_refused(host: Host) -> None:
    bot = A1111(host, ("", key_of(add_key(host, "bot", "--images-per-day", "3"))))
    body = {**A1111_QUICK, "width": 256, "height": 256, "n_iter": 2, "enable_hr": True, "hr_scale": 2}
    answer = bot.post("txt2img", body, headers={"Idempotency-Key": "k" * 255})
    assert answer.status_code == 200 and answer.headers["X-Ignored-Fields"] == "enable_hr"
    assert [decoded(image).size for image in answer.json()["images"]] == [(512, 512)] * 2
    too_long = bot.post("txt2img", body, headers={"Idempotency-Key": "k" * 256})
    assert too_long.status_code == 422 and too_long.json()["detail"].startswith("Idempotency-Key")


def test_the_progress_never_goes_back(anna: A1111) -> None:
    thread, answers = anna.begin(width=256, height=256, steps=30, n_iter=2, enable_hr=True, hr_scale=2)
    seen = []
    while thread.is_alive():
        now = anna.json("progress")
        if now["state"]["job"]:
            seen.append(now["progress"])
        thread.join(0.02)  # leaves the processor to the host
    thread.join()
    assert answers[0].status_code == 200 and len(answers[0].json()["images"]) == 2
    assert seen == sorted(seen) and seen[-1] > 0.4


def test_an_interrupted_batch_begins_no_further_image(host: Host, anna: A1111) -> None:
    native = Client(host.url, str(anna.session.auth[1]))  # type: ignore[index]
    before = len(native.tasks()["history"])
    sent = [{"data": png(), "name": "a"}] * 8
    thread, answers = anna.begin("extra-batch-images", imageList=sent, upscaler_1="Fooocus")
    anna.post("interrupt")
    thread.join(60)
    assert answers[0].status_code == 200 and 1 <= len(answers[0].json()["images"]) < 8
    assert len(native.tasks()["history"]) - before < 8
