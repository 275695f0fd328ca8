"""webuiapi, a client of AUTOMATIC1111 from PyPI, unmodified, against the demo host: with a key and without."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.compat.a1111 import QUICK, mask
from fooocus_api.tests.support.host import ROOT, Host, demo_host
from fooocus_api.tests.support.keys import add_key, key_of
from fooocus_api.tests.support.sources.page_examples import examples_of

webuiapi = pytest.importorskip("webuiapi", reason="webuiapi is not installed: its tests are skipped")
GETTERS = [
    *("get_options", "get_cmd_flags", "get_progress", "get_samplers"),
    *("get_sd_vae", "get_upscalers", "get_latent_upscale_modes", "get_loras"),
    *("get_sd_models", "get_hypernetworks", "get_face_restorers", "get_realesrgan_models"),
    *("get_prompt_styles", "refresh_checkpoints", "get_scripts", "get_embeddings"),
    *("get_memory", "get_schedulers", "controlnet_version", "controlnet_model_list"),
    *("controlnet_module_list", "util_get_model_names", "util_get_sampler_names", "util_get_scheduler_names"),
    "util_get_current_model",
]
SETTINGS = QUICK["override_settings"]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=10) as running:
        yield running


@pytest.fixture(scope="module")
def api(host: Host) -> Any:
    """Return the client of a host that needs no key yet."""
    return webuiapi.WebUIApi(baseurl=f"{host.url}/sdapi/v1", sampler="DPM++ 2M Karras", steps=2)


def test_every_getter(api: Any) -> None:
    assert api.has_controlnet and not api.has_adetailer and not api.has_animatediff
    found = {name: getattr(api, name)() for name in GETTERS}
    assert found["get_sd_models"][0]["title"] == found["util_get_current_model"]
    assert found["get_upscalers"][0]["name"] == "None" and len(found["get_upscalers"]) > 1
    assert found["get_schedulers"][0]["name"] == "automatic"
    assert "Euler a" in found["util_get_sampler_names"] and found["controlnet_version"] == 2
    assert found["get_options"]["samples_format"] == "png" and "forge_preset" not in found["get_options"]
    assert found["get_progress"]["progress"] == 0.0 and found["get_progress"]["state"]["job_count"] == 0


def test_images_of_a_text_have_the_size_and_the_parameters(api: Any, host: Host) -> None:
    found = api.txt2img(
        prompt="a cat", negative_prompt="dogs", seed=5, width=512, height=768, n_iter=2, override_settings=SETTINGS
    )
    assert [image.size for image in found.images] == [(512, 768)] * 2
    info = found.info
    assert (info["all_seeds"], info["all_subseeds"], info["seed"]) == ([5, 6], [5, 6], 5)
    assert (info["width"], info["height"], info["sampler_name"], info["steps"]) == (512, 768, "DPM++ 2M", 2)
    assert len(info["infotexts"]) == 2 and info["infotexts"][0] == found.images[0].info["parameters"]
    text = found.images[1].info["parameters"]
    assert (
        text.startswith("a cat") and "Negative prompt: dogs" in text and "Size: 512x768" in text and "Seed: 6" in text
    )
    assert found.parameters["prompt"] == "a cat" and found.parameters["cfg_scale"] == 7.0
    assert Client(host.url).task(info["task_id"])["task_status"] == "finished"
    assert api.png_info(found.image).info == text.replace("Seed: 6", "Seed: 5")


def test_an_image_is_varied_in_its_size(api: Any) -> None:
    picture = Image.new("RGB", (300, 200), "green")
    found = api.img2img([picture], prompt="a meadow", width=300, height=200, override_settings=SETTINGS)
    assert found.image.size == (300, 200)
    assert api.img2img([picture], resize_mode=2, width=256, height=256, override_settings=SETTINGS).image.size == (
        256,
        256,
    )


def test_an_area_is_inpainted(api: Any) -> None:
    picture = Image.new("RGB", (256, 256), (0, 128, 0))
    area = (64, 64, 192, 192)
    found = api.img2img([picture], mask_image=mask((256, 256), area), width=256, height=256, override_settings=SETTINGS)
    assert found.image.size == (256, 256)
    corner, middle = found.image.getpixel((4, 4)), found.image.getpixel((128, 128))
    assert all(abs(a - b) <= 3 for a, b in zip(corner, (0, 128, 0), strict=True)) and middle != corner


def test_images_are_enlarged(api: Any) -> None:
    picture = Image.new("RGB", (100, 60), "red")
    assert api.extra_single_image(picture, upscaler_1="R-ESRGAN 4x+", upscaling_resize=3).image.size == (300, 180)
    to_size = {"resize_mode": 1, "upscaling_resize_w": 90, "upscaling_resize_h": 90}
    assert api.extra_single_image(picture, upscaler_1="Lanczos", **to_size).image.size == (90, 90)
    assert api.extra_single_image(picture).image.size == (100, 60)
    batch = api.extra_batch_images([picture, picture.resize((50, 50))], upscaler_1="Nearest", upscaling_resize=2)
    assert [image.size for image in batch.images] == [(200, 120), (100, 100)]


def test_hires_fix_is_a_second_task(api: Any, host: Host) -> None:
    client = Client(host.url)
    before = client.tasks()["history"]
    options = {"enable_hr": True, "hr_scale": 2, "width": 256, "height": 256, "seed": 9, "n_iter": 2}
    found = api.txt2img(prompt="a tower", denoising_strength=0.4, override_settings=SETTINGS, **options)
    assert [image.size for image in found.images] == [(512, 512)] * 2 and found.info["all_seeds"] == [9, 10]
    history = client.tasks()["history"]
    ids = {record["task_id"] for record in before}
    methods = [record["req_params"]["uov_method"] for record in history if record["task_id"] not in ids]
    assert sorted(methods) == ["Disabled", "Upscale (Custom)", "Upscale (Custom)"]


def test_controlnet_units_are_image_prompts(api: Any, host: Host) -> None:
    unit = webuiapi.ControlNetUnit(
        image=Image.new("RGB", (64, 64)), module="canny", model="control_canny [d14c016b]", weight=0.8
    )
    found = api.txt2img(prompt="lines", controlnet_units=[unit], override_settings=SETTINGS)
    (sent,) = Client(host.url).task(found.info["task_id"])["req_params"]["controlnet_image"]
    assert (sent["cn_type"], sent["cn_weight"], sent["cn_stop"]) == ("PyraCanny", 0.8, 1.0)
    depth = webuiapi.ControlNetUnit(image=None, module="depth_midas", model="None")
    found = api.img2img([Image.new("RGB", (64, 64))], controlnet_units=[depth], override_settings=SETTINGS)
    (sent,) = Client(host.url).task(found.info["task_id"])["req_params"]["controlnet_image"]
    assert sent["cn_type"] == "CPDS"
    with pytest.raises(RuntimeError, match="openpose"):
        api.txt2img(controlnet_units=[webuiapi.ControlNetUnit(image=Image.new("RGB", (64, 64)), module="openpose")])


def test_words_are_found_for_an_image(api: Any) -> None:
    assert api.interrogate(Image.new("RGB", (64, 64))).info
    assert "," in api.interrogate(Image.new("RGB", (64, 64)), model="deepdanbooru").info


def test_a_model_is_set_for_later_requests(api: Any) -> None:
    names = api.util_get_model_names()
    other = next(name for name in names if name != api.util_get_current_model())
    api.util_set_model(other)
    assert api.util_get_current_model() == other
    assert api.txt2img(prompt="x", override_settings=SETTINGS).info["sd_model_name"] == other.split(".")[0]
    api.set_options({"sd_model_checkpoint": None})
    assert api.util_get_current_model() != other


def test_progress_and_interrupt(api: Any) -> None:
    answers: list[Any] = []
    work = {"prompt": "a long one", "steps": 150, "n_iter": 4, "override_settings": SETTINGS}
    thread = threading.Thread(target=lambda: answers.append(api.txt2img(**work)))
    thread.start()

    def seen() -> Any:
        now = api.get_progress()
        return now if now["current_image"] and now["state"]["sampling_step"] else None

    now = wait_for(seen, "a preview")
    assert 0 < now["progress"] < 1 and now["eta_relative"] >= 0
    state = now["state"]
    assert state["job"] == "scripts_txt2img" and state["job_count"] == 4
    assert 0 < state["sampling_step"] <= state["sampling_steps"]
    assert api.skip() is None and api.interrupt() == {}
    thread.join(60)
    assert len(answers) == 1 and len(answers[0].images) < 4
    assert api.get_progress()["state"]["job"] == ""


@pytest.mark.parametrize("language", ["", "_zh"])
def test_the_example_of_the_page(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    (example,) = [one for one in examples_of(ROOT / "docs" / f"compat-a1111{language}.md") if one.language == "python"]
    monkeypatch.chdir(tmp_path)
    code = example.code.replace("port=7865", f"port={host.port}").replace("steps=30", "steps=2")
    exec(compile(code, "compat-a1111.md", "exec"), {})
    with Image.open("cat.png") as image:
        assert image.size == (1024, 1024)


def test_a_key_is_the_password(host: Host) -> None:
    key = key_of(add_key(host, "anna"))
    with_key = webuiapi.WebUIApi(baseurl=f"{host.url}/sdapi/v1", username="any", password=key, steps=2)
    assert with_key.has_controlnet
    assert with_key.txt2img(prompt="x", override_settings=SETTINGS).image.size == (512, 512)
    without = webuiapi.WebUIApi(baseurl=f"{host.url}/sdapi/v1")
    with pytest.raises(RuntimeError) as refused:
        without.txt2img(prompt="x")
    status, text = refused.value.args
    assert status == 401 and json.loads(text)["detail"]
