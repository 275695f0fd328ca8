"""Unmodified clients of the compatible APIs against a real Fooocus: each generates, and its answer has its own shape."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.compat import legacy
from fooocus_api.tests.support.compat.a1111 import mask
from fooocus_api.tests.support.compat.pictures import SIZE
from fooocus_api.tests.support.compat.pictures import png as picture_with_a_hole

if TYPE_CHECKING:
    from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.real

SMALL: dict[str, Any] = {"overwrite_width": 256, "overwrite_height": 256, "overwrite_step": 2, "style_selections": []}
SETTINGS = {"fooocus_performance": "Speed", "fooocus_styles": []}
PATIENCE_S = 1200


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def test_openai(real: Host, real_client: Client) -> None:
    openai = pytest.importorskip("openai", reason="openai is not installed: its client is skipped")
    client = openai.OpenAI(base_url=f"{real.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE_S)
    assert "tiny_sdxl.safetensors" in [model.id for model in client.models.list()]
    found = client.images.generate(prompt="a red kite", response_format="b64_json", extra_body={**SMALL, "seed": 5})
    (item,) = found.data
    assert opened(base64.b64decode(item.b64_json)).size == (256, 256) and item.url is None and item.seed == 5
    stream = client.images.generate(
        prompt="a red kite", stream=True, partial_images=1, extra_body={**SMALL, "overwrite_step": 4}
    )
    kinds = [event.type for event in stream]
    assert kinds[-1] == "image_generation.completed" and set(kinds[:-1]) <= {"image_generation.partial_image"}
    edited = client.images.edit(
        image=picture_with_a_hole(hole=True), prompt="a blue kite", extra_body={"steps": 1, "style_selections": []}
    )
    assert real_client.image(edited.data[0].url).size == SIZE


def test_webuiapi(real: Host) -> None:
    webuiapi = pytest.importorskip("webuiapi", reason="webuiapi is not installed: its client is skipped")
    api = webuiapi.WebUIApi(baseurl=f"{real.url}/sdapi/v1", sampler="DPM++ 2M Karras", steps=1)
    assert api.util_get_current_model().startswith("tiny_sdxl")
    found = api.txt2img(prompt="a red kite", seed=5, width=512, height=512, steps=1, override_settings=SETTINGS)
    assert found.image.size == (512, 512) and found.info["all_seeds"] == [5]
    assert "a red kite" in found.info["infotexts"][0] and "Size: 512x512" in found.image.info["parameters"]
    white = mask((512, 512), (128, 128, 384, 384))
    painted = api.img2img(
        images=[found.image], mask_image=white, prompt="a blue kite", steps=1, override_settings=SETTINGS
    )
    assert painted.image.size == (512, 512)
    assert api.get_progress()["progress"] == 0.0


def test_fooocus_api(real_client: Client) -> None:
    fields = {**legacy.QUICK, "prompt": "a red kite", "image_seed": 5}
    response = real_client.post(legacy.TEXT, json={**fields, "async_process": True})
    job = response.json()
    assert job["job_type"] == "Text to Image" and job["job_stage"] in ("WAITING", "RUNNING")

    def look() -> dict[str, Any] | None:
        found = real_client.get(legacy.QUERY, params={"job_id": job["job_id"]}).json()
        return found if found["job_status"] == "Finished" else None

    done = wait_for(look, "the job", real_client.patience)
    (result,) = done["job_result"]
    assert done["job_stage"] == "SUCCESS" and result["seed"] == "5" and "/files/" in result["url"]
    assert real_client.image(result["url"]).size == (256, 256)


def test_mcp(real: Host, real_client: Client) -> None:
    mcp = pytest.importorskip("mcp", reason="mcp is not installed: its client is skipped")
    steps: list[float] = []

    async def progress(done: float, total: float | None, _: str | None) -> None:
        steps.append(done)

    async def session() -> Any:
        async with mcp.Client(f"{real.url}/mcp") as client:
            call = {"prompt": "a red kite", "performance": "Lightning", "aspect_ratio": "1:1"}
            return await client.call_tool("generate_image", call, progress_callback=progress)

    result = asyncio.run(session())
    assert not result.is_error, result
    data = next(block.data for block in result.content if block.type == "image")
    size = opened(base64.b64decode(data)).size
    assert min(size) >= 512 and len(steps) >= 2 and steps == sorted(set(steps))
