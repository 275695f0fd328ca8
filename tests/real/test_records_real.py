"""Records and files that a real Fooocus leaves: prompts, LoRAs, metadata, presets and base64."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client, Record

if TYPE_CHECKING:
    from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.real

USER_COMMENT, MAKER_NOTE = 0x9286, 0x927C
"""Exif tags in which Fooocus stores the parameters and their scheme in a JPEG or WebP."""


def words(host: Host, name: str) -> list[str]:
    lines = (host.checkout / "wildcards" / f"{name}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line]


def prompts(record: Record) -> list[str]:
    return [image["metadata"]["prompt"] for image in record["images"]]


def picture(size: tuple[int, int] = (256, 256)) -> str:
    buffer = io.BytesIO()
    PILImage.linear_gradient("L").resize(size).convert("RGB").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def file_of(client: Client, record: Record) -> PILImage.Image:
    image = PILImage.open(io.BytesIO(client.get(record["result"][0]).content))
    image.load()
    return image


# --------------------------------------------------------------------------------------------- wildcards


def test_each_image_has_its_own_words_for_a_wildcard(real: Host, real_client: Client) -> None:
    record = real_client.draw(prompt="a __color__ __animal__", image_number=4, image_seed=5)
    drawn = prompts(record)
    colours, animals = words(real, "color"), words(real, "animal")
    assert len(set(drawn)) > 1, drawn
    for prompt in drawn:
        assert any(prompt == f"a {colour} {animal}" for colour in colours for animal in animals), prompt
    assert prompts(real_client.draw(prompt="a __color__ __animal__", image_number=4, image_seed=5)) == drawn


def test_wildcards_in_order_are_the_lines_from_the_first(real: Host, real_client: Client) -> None:
    record = real_client.draw(prompt="__color__ house", image_number=3, read_wildcards_in_order=True)
    assert prompts(record) == [f"{colour} house" for colour in words(real, "color")[:3]]


# -------------------------------------------------------------------------------- performances and LoRAs


@pytest.mark.parametrize(
    ("performance", "lora"),
    [
        ("Hyper-SD", "sdxl_hyper_sd_4step_lora.safetensors : 0.8"),
        ("Lightning", "sdxl_lightning_4step_lora.safetensors : 1.0"),
        ("Extreme Speed", "sdxl_lcm_lora.safetensors : 1.0"),
        ("Speed", None),
        ("Quality", None),
    ],
)
def test_a_performance_brings_its_lora_and_leaves_ours(real_client: Client, performance: str, lora: str | None) -> None:
    ours = {"model_name": "tiny_lora.safetensors", "weight": 0.7}
    (image,) = real_client.draw(performance_selection=performance, loras=[ours])["images"]
    used = [value for key, value in image["metadata"].items() if key.startswith("lora_combined_")]
    assert used == ["tiny_lora.safetensors : 0.7", *([lora] if lora else [])]
    assert image["metadata"]["performance"] == performance


def test_a_lora_may_be_named_in_the_prompt(real_client: Client) -> None:
    (image,) = real_client.draw(prompt="a mill, <lora:tiny_lora:0.3>")["images"]
    assert image["metadata"]["prompt"] == "a mill"
    assert image["metadata"]["lora_combined_1"] == "tiny_lora.safetensors : 0.3"
    refused = real_client.generate(prompt="a mill, <lora:tiny_lorry:0.3>")
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "prompt"


# ------------------------------------------------------------------------------------------------ metadata


@pytest.mark.parametrize("scheme", ["fooocus", "a1111"])
@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_the_file_bears_its_parameters(real_client: Client, scheme: str, output_format: str) -> None:
    record = real_client.draw(
        prompt="a lighthouse at noon", image_seed=77, metadata_scheme=scheme, output_format=output_format
    )
    image = file_of(real_client, record)
    if output_format == "png":
        text, told = image.info["parameters"], image.info["fooocus_scheme"]
    else:
        exif = image.getexif()
        text, told = exif[USER_COMMENT], exif[MAKER_NOTE]
    assert told == scheme
    if scheme == "fooocus":
        values = json.loads(text)
        assert (values["prompt"], values["seed"]) == ("a lighthouse at noon", "77")
        assert values["performance"] == "Lightning"
    else:
        assert text.startswith("a lighthouse at noon")
        assert "Seed: 77" in text and "Performance: Lightning" in text
    assert record["images"][0]["metadata"]["metadata_scheme"] == scheme


def test_a_file_without_metadata_bears_none(real_client: Client) -> None:
    record = real_client.draw(prompt="a secret", save_metadata_to_images=False)
    assert "parameters" not in file_of(real_client, record).info
    assert record["images"][0]["metadata"]["prompt"] == "a secret"


# ------------------------------------------------------------------------------------------------- enhance

U2NET = {"enhance_enabled": True, "enhance_mask_model": "u2net"}
NOTHING_THERE = {
    "enhance_enabled": True,
    "enhance_mask_model": "sam",
    "enhance_mask_dino_prompt": "a unicorn",
    "enhance_mask_box_threshold": 1,
}


def test_every_step_of_an_enhancement_is_kept_or_the_final_image_only(real: Host, real_client: Client) -> None:
    fields: dict[str, Any] = {"enhance_input_image": picture(), "enhance_ctrls": [U2NET, U2NET], "image_seed": 3}
    before = real.images()
    steps = real_client.draw(**fields)
    assert len(steps["result"]) == len(real.images() - before) == 2
    before = real.images()
    final = real_client.draw(**fields, save_final_enhanced_image_only=True)
    assert len(final["result"]) == len(real.images() - before) == 1
    last = PILImage.open(io.BytesIO(real_client.get(steps["result"][-1]).content))
    assert file_of(real_client, final).tobytes() == last.tobytes()


def test_of_several_images_each_final_one_is_kept(real_client: Client) -> None:
    fields: dict[str, Any] = {"enhance_checkbox": True, "enhance_ctrls": [U2NET], "image_number": 2}
    assert len(real_client.draw(**fields)["result"]) == 4
    assert len(real_client.draw(**fields, save_final_enhanced_image_only=True)["result"]) == 2


def test_an_enhancement_that_finds_nothing_says_so(real_client: Client) -> None:
    response = real_client.generate(enhance_input_image=picture(), enhance_ctrls=[NOTHING_THERE])
    assert response.status_code == 500, response.text
    assert response.json()["task_status"] == "failed"
    assert response.json()["error"] == {"type": "NoResult", "message": "nothing was found to enhance"}


def test_an_image_is_kept_also_when_its_last_enhancement_finds_nothing(real_client: Client) -> None:
    fields: dict[str, Any] = {"enhance_checkbox": True, "save_final_enhanced_image_only": True}
    record = real_client.draw(**fields, enhance_ctrls=[NOTHING_THERE])
    assert len(record["result"]) == 1
    record = real_client.draw(**fields, enhance_ctrls=[U2NET, NOTHING_THERE], image_number=2)
    assert len(record["result"]) == 2


# --------------------------------------------------------------------------------------- base64 and presets


def test_base64_is_the_file(real_client: Client) -> None:
    record = real_client.draw(require_base64=True, image_number=2)
    for image in record["images"]:
        assert base64.b64decode(image["base64"]) == real_client.get(image["url"]).content
    last = list(real_client.stream(require_base64=True))[-1].data
    assert [base64.b64decode(text) for text in last["base64"]] == [
        real_client.get(url).content for url in last["images"]
    ]


@pytest.fixture
def preset(real: Host) -> Iterator[str]:
    """Yield the name of a preset that exists while the test runs."""
    path = real.checkout / "presets" / "of_the_tests.json"
    content = {
        "default_model": "tiny_sdxl_b.safetensors",
        "default_loras": [[True, "tiny_lora.safetensors", 0.4], [False, "None", 1.0]],
        "default_cfg_scale": 5.5,
        "default_sample_sharpness": 7.0,
        "default_sampler": "euler",
        "default_scheduler": "normal",
        "default_performance": "Speed",
        "default_prompt": "",
        "default_prompt_negative": "fog",
        "default_styles": ["Fooocus Sharp"],
        "default_aspect_ratio": "704*1408",
        "checkpoint_downloads": {},
        "embeddings_downloads": {},
        "lora_downloads": {},
    }
    path.write_text(json.dumps(content), "utf-8")
    yield path.stem
    path.unlink()


SMALL = {"overwrite_width": 256, "overwrite_height": 256, "overwrite_step": 1}


def test_a_preset_is_above_the_defaults_and_below_the_request(real_client: Client, preset: str) -> None:
    response = real_client.post("/v1/engine/generate/", json={"prompt": "a cove", "preset": preset, **SMALL})
    assert response.status_code == 200, response.text
    metadata = response.json()["images"][0]["metadata"]
    assert metadata["base_model"] == "tiny_sdxl_b.safetensors"
    assert metadata["lora_combined_1"] == "tiny_lora.safetensors : 0.4"
    assert (metadata["sampler"], metadata["scheduler"]) == ("euler", "normal")
    assert (metadata["guidance_scale"], metadata["sharpness"]) == (5.5, 7.0)
    assert (metadata["negative_prompt"], metadata["styles"]) == ("fog", "['Fooocus Sharp']")
    assert metadata["resolution"] == "(256, 256)"  # a size in the request overrides the preset's

    own = {"guidance_scale": 6.5, "sampler_name": "euler_ancestral", "negative_prompt": "rain"}
    body = {"prompt": "a cove", "preset": preset, **SMALL, **own}
    metadata = real_client.post("/v1/engine/generate/", json=body).json()["images"][0]["metadata"]
    assert (metadata["guidance_scale"], metadata["sampler"], metadata["negative_prompt"]) == (
        6.5,
        "euler_ancestral",
        "rain",
    )
    assert metadata["scheduler"] == "normal"  # not in the request: the preset's


def test_a_preset_whose_model_is_not_there_is_refused_by_name(real_client: Client) -> None:
    """Expect a refusal: preset downloads are off, and the host would silently generate with the model that is loaded."""
    response = real_client.post("/v1/engine/generate/", json={"prompt": "no", "preset": "anime", **SMALL})
    assert response.status_code == 422, response.text
    (error,) = response.json()["errors"]
    assert error["field"] == "base_model_name" and "animaPencil" in error["message"]


# --------------------------------------------------------------------------------------------- waiting


def test_a_client_waits_no_longer_than_it_prefers(real_client: Client) -> None:
    """Honour `Prefer: wait` although Fooocus replaces `asyncio.wait_for` by one that waits for 18 hours."""
    running = real_client.submit(overwrite_step=100)["task_id"]
    answers = [
        real_client.post("/v1/engine/generate", json={"overwrite_step": 1}, headers={"Prefer": preference})
        for preference in ("respond-async", "wait=1")
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    for task_id in (*(answer.json()["task_id"] for answer in answers), running):
        real_client.post(f"/tasks/{task_id}/stop")
