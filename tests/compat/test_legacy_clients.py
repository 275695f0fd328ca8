"""Clients of Fooocus-API: its generated Python client, unmodified, and the requests that other programs send."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client, picture, wait_for
from fooocus_api.tests.support.compat.legacy import HISTORY, QUERY, STOP, TEXT, ended, ignored, png, text
from fooocus_api.tests.support.host import ROOT, Host, demo_host
from fooocus_api.tests.support.keys import add_key, key_of
from fooocus_api.tests.support.sources.page_examples import examples_of

LIBRARY = "fooocus-api-python-client==1.0.0"
SCRIPT = ROOT / "tests" / "support" / "compat" / "legacy_client_script.py"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the generated client, whose urllib3 is older than the tests' own, into a folder. Skip without a network."""
    folder = tmp_path_factory.mktemp("client")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--target",
        str(folder),
        LIBRARY,
    ]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip(f"{LIBRARY} can't be installed: its test is skipped")
    return folder


@pytest.fixture(scope="module", params=["open", "keyed"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Host, str]]:
    """Start a host without keys, and one with a key."""
    with demo_host(step_ms=20) as host:
        yield host, key_of(add_key(host, "client")) if request.param == "keyed" else ""


@pytest.mark.nightly
def test_the_generated_client_reads_every_answer(library: Path, server: tuple[Host, str], tmp_path: Path) -> None:
    host, key = server
    (tmp_path / "red.png").write_bytes(png())
    command = [sys.executable, "-W", "ignore", str(SCRIPT), host.url, key, str(tmp_path / "red.png")]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(library)}, timeout=300
    )
    assert done.returncode == 0, done.stderr
    session = json.loads(done.stdout)
    assert session["ping"] == "pong" and session["stopped"] == {"msg": "success"}
    assert session["models"] == session["refreshed"] and session["styles"] and session["described"]["describe"]
    (image,) = session["images"]
    assert image["finish_reason"] == "SUCCESS" and picture(Client(host.url).get(image["url"]).content)
    assert session["submitted"]["job_type"] == "Text to Image" and session["job"]["job_stage"] == "SUCCESS"
    assert session["form"][0]["url"] and session["unknown"]["job_type"] == "Not Found"
    assert session["queue"]["running_size"] == 0 and len(session["history"]["history"]) >= 3


@pytest.mark.nightly
@pytest.mark.parametrize("page", ["compat-legacy.md", "compat-legacy_zh.md"])
def test_the_example_of_the_page_runs(library: Path, demo: Host, page: str) -> None:
    (example,) = (one for one in examples_of(ROOT / "docs" / page) if one.language == "python")
    code = example.code.replace("http://127.0.0.1:7865", demo.url)
    environment = {**os.environ, "PYTHONPATH": str(library)}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.startswith(f"{demo.url}/files/"), done.stderr


def test_a_telegram_bot_that_waits_for_finished(client: Client) -> None:
    """Replay breakeneck/fooocus-tg-bot: it waits until the status is `Finished`, and looks for a text in the preview."""
    assert client.get("/ping").status_code == 200
    model = client.get("/v1/engines/all-models").json()["model_filenames"][0]
    request = {
        "prompt": "a cat",
        "negative_prompt": "",
        "style_selections": ["Fooocus V2"],
        "performance_selection": "Speed",
        "aspect_ratios_selection": "704*1408",
        "base_model_name": model,
        "image_number": 1,
        "async_process": True,
        "advanced_params": {"overwrite_step": 2, "overwrite_width": 256, "overwrite_height": 256},
    }
    job_id = client.post(TEXT, json=request).json()["job_id"]

    def poll() -> dict[str, Any] | None:
        job = client.get(QUERY, params={"job_id": job_id, "require_step_preview": "true"}).json()
        assert "base64" not in (job["job_step_preview"] or {})
        return job if job["job_status"] == "Finished" else None

    job = wait_for(poll, "the job")
    assert picture(client.get(job["job_result"][0]["url"]).content)


def test_a_telegram_bot_that_sends_its_settings_as_they_are(client: Client) -> None:
    """Replay dzhusipov/fooocus-telegram: a checkpoint of its author, an engine `v1`, and `string` for no webhook."""
    request = {
        "prompt": "a cat",
        "base_model_name": "juggernautXL_version6Rundiffusion.safetensors",
        "refiner_model_name": "None",
        "loras": [{"model_name": "sd_xl_offset_example-lora_1.0.safetensors", "weight": 0.1}],
        "advanced_params": {
            "inpaint_engine": "v1",
            "overwrite_step": 2,
            "overwrite_switch": -1,
            "overwrite_width": 256,
            "overwrite_height": 256,
            "inpaint_advanced_masking_checkbox": False,
            "invert_mask_checkbox": False,
        },
        "require_base64": False,
        "async_process": True,
        "webhook_url": "string",
    }
    response = client.post(TEXT, json=request)
    assert {"base_model_name", "loras[0].model_name", "webhook_url"} <= ignored(response)
    job = ended(client, response.json()["job_id"])
    assert job["job_result"][0]["url"].startswith(client.url)


def test_a_page_that_stops_all_jobs(client: Client) -> None:
    """Replay lux4rd0/fooocus-api-ui: it lists the history, queries each job, and stops those with `Step` in their status."""
    assert client.get("/ping").json() == "pong"
    request = {
        "prompt": "a cat",
        "aspect_ratios_selection": "896x1152",
        "meta_scheme": "",
        "overwrite_upscale_strength": 0.2,
        "advanced_params": {"overwrite_step": 200, "overwrite_width": 256, "overwrite_height": 256},
        "async_process": True,
    }
    job_id = client.post(TEXT, json=request).json()["job_id"]

    def stopped() -> bool:
        lists = client.get(HISTORY).json()
        for entry in [*lists["queue"], *lists["history"]]:
            job = client.get(QUERY, params={"job_id": entry["job_id"], "require_step_preview": "true"}).json()
            if entry["job_id"] == job_id and "Step" in (job["job_status"] or ""):
                client.post(STOP, json={"job_id": job_id})
        return bool(client.get(QUERY, params={"job_id": job_id}).json()["job_status"] == "Finished")

    wait_for(stopped, "the stop")


def test_a_worker_of_runpod(client: Client) -> None:
    """Replay davefojtik/RunPod-Fooocus-API: it waits for any answer, and sends files and texts as a form."""
    assert client.get(TEXT).status_code == 405
    assert set(client.post("/v1/engines/refresh-models").json()) >= {"model_filenames", "lora_filenames"}
    fields = {
        "uov_method": "Upscale (Fast 2x)",
        "upscale_value": "",
        "prompt": "a cat",
        "style_selections": '["Fooocus V2", "Fooocus Sharp"]',
        "loras": json.dumps([{"model_name": "demo_warm_light.safetensors", "weight": 0.3}]),
        "image_seed": "-1",
        "sharpness": "2.0",
        "require_base64": "True",
    }
    files = {"input_image": ("image.png", png(), "image/png"), "other": ("mask.png", png(), "image/png")}
    response = client.post("/v1/generation/image-upscale-vary", data=fields, files=files)
    assert ignored(response) == {"other"}
    assert response.json()[0]["base64"].startswith("data:image/png;base64,")
    sent = client.task(response.headers["x-task-id"])["req_params"]
    assert sent["style_selections"] == ["Fooocus V2", "Fooocus Sharp"] and sent["loras"][0]["weight"] == 0.3


def test_a_tool_with_the_styles_of_another_host(client: Client) -> None:
    """Replay raihan0824/mcp-fooocus-api: names of styles that this host may lack, and the list as it comes."""
    response = client.post(
        TEXT,
        json={
            "prompt": "a cat",
            "style_selections": ["Fooocus V2", "SAI Anime", "MRE Bad Dream"],
            "performance_selection": "Lightning",
            "aspect_ratios_selection": "704*1408",
            "advanced_params": {"overwrite_step": 1, "overwrite_width": 256, "overwrite_height": 256},
        },
        headers={"accept": "application/json"},
    )
    assert "style_selections" in ignored(response) and response.json()[0]["finish_reason"] == "SUCCESS"


@pytest.mark.parametrize(
    "bomb",
    [
        {"image_prompts": [{"cn_img": "none"}] * 1001},
        {"style_selections": ["x"] * 20_001},
        {"loras": [{"model_name": "x"}] * 1001},
        {"prompt": "x" * 20_001},
        {"advanced_params": {"overwrite_step": 10**400}},
        {"image_prompts": [{"cn_img": "data:image/png;base64," + "A" * 1000}]},
    ],
)
def test_hostile_json_is_refused(client: Client, bomb: dict[str, Any]) -> None:
    response = client.post("/v2/generation/text-to-image-with-ip", json={**bomb, "async_process": True})
    assert response.status_code == 422 and response.json()["detail"]


def test_hostile_forms_are_refused(client: Client) -> None:
    path = "/v1/generation/image-prompt"
    buffer = io.BytesIO()
    PILImage.new("1", (20_000, 20_000)).save(buffer, "PNG")  # 400 megapixels in 50 kB
    for arguments, status in (
        ({"files": {f"f{number}": b"x" for number in range(20)}}, 422),
        ({"files": {"cn_img1": b"no image"}}, 422),
        ({"files": {"cn_img1": buffer.getvalue()}}, 422),
        ({"files": {"x": b""}, "data": {"loras": "[" * 1000}}, 422),
        ({"files": {"x": b""}, "data": {"prompt": text(b"x" * 2**20)}}, 422),
        ({"data": "x=1", "headers": {"Content-Type": "multipart/form-data"}}, 422),
        ({"data": "&".join(["x"] * 2000), "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 422),
        ({"data": b"\xff=1", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 422),
    ):
        response = client.post(path, **arguments)
        assert response.status_code == status, response.text


def test_a_form_that_is_cut_off_is_refused(client: Client) -> None:
    """Cut off a part: without its image, another one would be generated."""
    head = b'--x\r\nContent-Disposition: form-data; name="cn_img1"; filename="a.png"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = client.post("/v1/generation/image-prompt", data=head + png()[:-10], headers=headers)
    assert response.status_code == 422 and "has no end" in response.text
