"""Every tool once on a real Fooocus, and its models unloaded and reloaded. FOOOCUS_API_KEEP is a folder for the results."""

from __future__ import annotations

import base64
import io
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image as PILImage
from PIL import ImageDraw

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.real

SIZE = (320, 256)


def picture() -> str:
    """Return a red disc on pale blue, as base64."""
    image = PILImage.new("RGB", SIZE, (160, 200, 235))
    ImageDraw.Draw(image).ellipse((110, 60, 220, 200), fill=(200, 40, 40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


@contextmanager
def told(what: str) -> Iterator[None]:
    """Print the time the block took."""
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)


def keep(name: str, content: bytes) -> None:
    if folder := os.environ.get("FOOOCUS_API_KEEP"):
        Path(folder, name).write_bytes(content)


def pixels(client: Client, record: dict[str, Any], index: int = -1) -> bytes:
    assert record["task_status"] == "finished", record
    content = client.get(record["result"][index]).content
    return PILImage.open(io.BytesIO(content)).convert("RGB").tobytes()


@pytest.mark.parametrize("image_type", ["Photo", "Anime"])
def test_describe(real_client: Client, image_type: str) -> None:
    with told(f"describe {image_type}"):
        body = {"image": picture(), "image_type": image_type}
        answer = real_client.post("/v1/tools/describe-image", json=body)
    assert answer.status_code == 200, answer.text
    print(answer.json())
    assert isinstance(answer.json()["describe"], str)
    file = {"image": ("a.png", base64.b64decode(picture()), "image/png")}
    answer = real_client.post("/v1/tools/describe-image", files=file, data={"image_type": image_type})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "fields",
    [
        {"mask_model": "u2net"},
        {"mask_model": "u2netp"},
        {"mask_model": "u2net_human_seg"},
        {"mask_model": "silueta"},
        {"mask_model": "isnet-general-use"},
        {"mask_model": "isnet-anime"},
        {"mask_model": "u2net_cloth_seg"},
        {"mask_model": "u2net_cloth_seg", "cloth_category": "upper"},
        {"mask_model": "sam", "dino_prompt_text": "disc", "box_threshold": 0.3, "sam_max_detections": 1},
        {"mask_model": "sam", "dino_prompt_text": "disc", "box_threshold": 1, "text_threshold": 1},
        {"mask_model": "sam", "dino_prompt_text": "disc", "box_threshold": 0, "dino_debug": True},
    ],
    ids=lambda fields: " ".join(map(str, fields.values())),
)
def test_mask(real_client: Client, fields: dict[str, Any]) -> None:
    name = "mask " + " ".join(map(str, fields.values()))
    with told(name):
        answer = real_client.post("/v1/tools/generate_mask", json={"image": picture(), **fields})
    assert answer.status_code == 200, answer.text
    content = base64.b64decode(answer.json(), validate=True)
    keep(f"{name}.png", content)
    mask = PILImage.open(io.BytesIO(content))
    assert mask.size == SIZE and mask.mode == ("RGB" if fields["mask_model"] == "sam" else "L")


def test_a_tool_waits_for_the_running_task_and_blocks_nobody(real_client: Client) -> None:
    task_id = real_client.submit(overwrite_step=8)["task_id"]
    real_client.until(task_id, "running")
    with ThreadPoolExecutor(1) as pool:
        body = {"image": picture(), "mask_model": "u2netp"}
        answer = pool.submit(Client(real_client.url).post, "/v1/tools/generate_mask", json=body)
        assert real_client.get("/v1/info").json()["worker_alive"]
        assert answer.result().status_code == 200
    assert real_client.task(task_id)["start_mills"] > 0
    assert real_client.ended(task_id)["task_status"] == "finished"


def test_a_tool_that_fails_says_so(real_client: Client) -> None:
    """Send a picture that is too thin: scaled to the tagger's square, its height is 0."""
    image = PILImage.new("RGB", (2000, 1), "red")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    files = {"image": buffer.getvalue()}
    answer = real_client.post("/v1/tools/describe-image", files=files, data={"image_type": "Anime"})
    assert answer.status_code == 500, answer.text
    assert answer.json()["error"]["type"] == "ValueError"
    assert real_client.draw()["task_status"] == "finished"


def unload(client: Client) -> float:
    with told("unload"):
        answer = client.post("/v1/engine/unload")
    assert answer.status_code == 200, answer.text
    print(answer.json())
    return float(answer.json()["freed_mb"])


def test_what_is_drawn_after_an_unload_is_the_same(real_client: Client) -> None:
    wanted = pixels(real_client, real_client.draw(prompt="a lighthouse", image_seed=7))
    assert unload(real_client) > 300  # MB: far more than noise, though the process keeps part of what is freed
    assert unload(real_client) < 100
    with told("drawing after an unload"):
        record = real_client.draw(prompt="a lighthouse", image_seed=7)
    assert pixels(real_client, record) == wanted
    with told("drawing again"):
        record = real_client.draw(prompt="a lighthouse", image_seed=7)
    assert pixels(real_client, record) == wanted


@pytest.mark.parametrize(
    "fields",
    [
        {"uov_method": "Upscale (Fast 2x)", "uov_input_image": picture()},
        {
            "enhance_input_image": picture(),
            "enhance_checkbox": True,
            "enhance_uov_method": "Vary (Subtle)",
            "enhance_uov_processing_order": "Before First Enhancement",
        },
        {"controlnet_image": [{"cn_img": picture(), "cn_type": kind} for kind in ("ImagePrompt", "FaceSwap", "CPDS")]},
        {"base_model_name": "tiny_sdxl_b.safetensors"},
    ],
    ids=["upscale without a prompt", "enhance before a prompt", "image prompts", "another checkpoint"],
)
def test_after_an_unload_every_kind_of_task_finds_its_models(real_client: Client, fields: dict[str, Any]) -> None:
    """Generate with features that use models before the prompt or without one: the host loads models only at the prompt."""
    for _ in range(2):
        unload(real_client)
        with told("drawing"):
            record = real_client.draw(**fields)
        assert record["task_status"] == "finished" and record["result"], record


def memory_of(host: Host) -> float:
    """Return the resident memory of the host's processes, in MB."""
    assert host.process is not None
    process = psutil.Process(host.process.pid)
    return float(sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))) / 2**20


def test_a_change_of_checkpoint_leaves_nothing_of_the_old_one(real: Host, real_client: Client) -> None:
    """Catch the host's own leak: 2 GB with each change."""
    after: list[float] = []
    for _ in range(4):
        for name in ("tiny_sdxl.safetensors", "tiny_sdxl_b.safetensors"):
            with told(f"drawing with {name}"):
                assert real_client.draw(base_model_name=name)["task_status"] == "finished"
        after.append(memory_of(real))
    print("MB:", after)
    assert after[-1] - after[0] < 1000


def test_the_host_found_nothing_wrong_with_it(real: Any) -> None:
    """Search the log after the tests above: the host only prints an error that follows a task's `finish`."""
    assert "AttributeError" not in real.log()
    assert "models not reloaded" not in real.log()
