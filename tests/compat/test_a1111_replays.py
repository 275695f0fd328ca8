"""Requests of further clients of AUTOMATIC1111 as these send them, and the members of the answers that they read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from fooocus_api.tests.support.compat.a1111 import A1111, API, QUICK, decoded, encoded, mask, png
from fooocus_api.tests.support.host import Host, demo_host

LIGHTNING = QUICK["override_settings"]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--api-cors", "http://localhost:5001") as running:
        yield running


@pytest.fixture(scope="module")
def api(host: Host) -> A1111:
    return A1111(host)


def is_other(pixel: Any) -> bool:
    """Return whether a pixel is clearly another one than those of the green picture."""
    return any(abs(a - b) > 5 for a, b in zip(pixel, (0, 128, 0), strict=True))


def test_open_webui(api: A1111) -> None:
    options = api.session.get(f"{api.url}{API}/options", headers={"Authorization": ""}, timeout=60)
    body = options.json()
    assert options.status_code == 200 and body["sd_model_checkpoint"]
    models = api.json("sd-models")
    assert {"title", "model_name"} <= models[0].keys()
    sent = api.post("options", {**body, "sd_model_checkpoint": models[1]["title"]}, headers={"Authorization": "Basic "})
    assert sent.status_code == 200 and sent.json() is None
    assert api.json("options")["sd_model_checkpoint"] == models[1]["title"]
    request = {"prompt": "a cat", "batch_size": 2, "width": 512, "height": 512, "steps": 50, "negative_prompt": ""}
    answer = api.post("txt2img", {**request, "steps": 2, "override_settings": LIGHTNING})
    res = answer.json()
    assert len(res["images"]) == 2 and json.loads(res["info"])["sd_model_name"] == models[1]["model_name"]
    assert base64.b64decode(res["images"][0], validate=True).startswith(b"\x89PNG")
    api.post("options", body)
    assert api.json("options") == body


def test_sillytavern(api: A1111) -> None:
    assert {"name"} <= api.json("samplers")[0].keys() and api.json("schedulers")[1]["name"]
    upscalers = [one["name"] for one in api.json("upscalers")]
    upscalers[1:1] = [one["name"] for one in api.json("latent-upscale-modes")]
    assert upscalers[0] == "None" and "Latent" in upscalers
    assert all(one["model_name"] for one in api.json("sd-vae"))
    missing = api.get("sd-modules")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})
    progress = api.json("progress")
    assert progress["progress"] == 0.0 and progress["state"]["job_count"] == 0
    body = {
        "url": api.url,
        "auth": "user:secret",
        "prompt": "a fox",
        "negative_prompt": "text",
        "sampler_name": "Euler a",
        "scheduler": "normal",
        "steps": 2,
        "cfg_scale": 7,
        "width": 512,
        "height": 512,
        "restore_faces": False,
        "enable_hr": False,
        "hr_upscaler": "Latent",
        "hr_scale": 1,
        "hr_additional_modules": [],
        "seed": None,
        "denoising_strength": 0.7,
        "hr_second_pass_steps": 0,
        "clip_skip": 1,
        "do_not_save_grid": True,
        "override_settings": {
            "CLIP_stop_at_last_layers": 1,
            "sd_vae": None,
            "forge_additional_modules": None,
            **LIGHTNING,
        },
        "override_settings_restore_afterwards": True,
        "save_images": True,
        "send_images": True,
    }
    answer = api.post("txt2img", body, headers={"Authorization": "Basic " + base64.b64encode(b"").decode()})
    assert answer.status_code == 200 and len(answer.json()["images"]) == 1
    assert "secret" not in answer.text
    info = json.loads(answer.json()["info"])
    assert info["seed"] < 2**32 and info["clip_skip"] == 1 and info["sampler_name"] == "Euler a"


def test_koboldai_lite_in_a_page(api: A1111) -> None:
    origin = {"Origin": "http://localhost:5001"}
    options = api.get("options", headers=origin)
    assert options.json()["samples_format"] is not None
    assert options.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    models = api.json("sd-models")
    assert models and all(one["filename"] is not None and one["model_name"] != "inactive" for one in models)
    body = {
        "prompt": "a fox",
        "negative_prompt": "",
        "sampler_name": "Euler a",
        "batch_size": 1,
        "seed": -1,
        "steps": 2,
        "width": 256,
        "height": 256,
        "denoising_strength": 0.6,
        "cfg_scale": 7,
        "save_images": False,
        "eta": None,
        "override_settings": {**LIGHTNING, "sd_model_checkpoint": models[0]["title"], "CLIP_stop_at_last_layers": 1.0},
    }
    answer = api.post("txt2img", body, headers=origin)
    assert decoded(answer.json()["images"][0]).size == (256, 256)
    varied = api.post("img2img", {**body, "init_images": [png((256, 256))]}, headers=origin)
    assert decoded(varied.json()["images"][0]).size == (256, 256)
    described = api.post("interrogate", {"image": png(), "model": "clip"}, headers=origin)
    assert described.json()["caption"]


def test_aiyabot(api: A1111) -> None:
    assert api.get("cmd-flags").status_code == 200
    assert api.json("hypernetworks") == api.json("face-restorers") == []
    assert all(isinstance(one["shape"], int) for one in api.json("embeddings")["loaded"].values())
    assert all(one["alias"] for one in api.json("loras"))
    assert {"name", "prompt", "negative_prompt"} <= api.json("prompt-styles")[0].keys()
    body = {
        "prompt": "a fox",
        "steps": 2,
        "width": 256,
        "height": 256,
        "cfg_scale": "7.0",
        "seed": 7,
        "clip_skip": 1,
        "sampler_index": "Euler a",
        "styles": [""],
        "denoising_strength": None,
        "batch_size": 1,
        "n_iter": 1,
        "seed_resize_from_h": -1,
        "seed_resize_from_w": 0,
        "hr_second_pass_steps": 3.0,
        "enable_hr": False,
        "override_settings": {"CLIP_stop_at_last_layers": 1, "eta_noise_seed_delta": 0, **LIGHTNING},
        "alwayson_scripts": {"ADetailer": {"args": [{"ad_model": "None"}]}},
    }
    image = api.post("txt2img", body).json()["images"][0]
    found = api.post("png-info", {"image": f"data:image/png;base64,{image}"}).json()
    assert "Seed: 7" in found["info"] and found["parameters"]["Seed"] == "7" and isinstance(found["items"], dict)
    nothing = api.post("png-info", {"image": png()}).json()
    assert nothing == {"info": "", "items": {}, "parameters": {}}
    assert api.post("interrupt").json() == {} and api.post("skip").json() is None


def test_ai_render(api: A1111) -> None:
    body = {
        "prompt": "a house",
        "negative_prompt": "",
        "seed": 3,
        "sampler_name": "DPM++ 2M",
        "steps": 2,
        "cfg_scale": 7.0,
        "width": 256,
        "height": 256,
        "denoising_strength": 0.4,
        "init_images": [f"data:image/png;base64,{png((256, 256))}"],
        "override_settings": LIGHTNING,
        "alwayson_scripts": {
            "controlnet": {"args": [{"enabled": True, "module": "depth", "model": "Fooocus CPDS", "weight": 1.0}]}
        },
    }
    answer = api.post("img2img", body)
    assert answer.status_code == 200 and len(answer.json()["images"]) == 1
    wrong = api.post("img2img", {**body, "sampler_name": "PLMS"})
    assert (wrong.status_code, wrong.json()["detail"]) == (404, "Sampler not found")
    enlarged = api.post(
        "extra-single-image",
        {"image": png((32, 32)), "resize_mode": 0, "upscaling_resize": 2.0, "upscaler_1": "Lanczos"},
    ).json()
    assert set(enlarged) == {"image", "html_info"} and decoded(enlarged["image"]).size == (64, 64)


def test_photoshop(api: A1111) -> None:
    assert api.json("options")["inpainting_mask_weight"] == 1.0
    assert api.json("scripts")["txt2img"] and api.json("loras")[0]["name"]
    lists = [
        api.session.get(f"{api.url}/controlnet/{name}", timeout=60).json() for name in ("model_list", "module_list")
    ]
    assert "Fooocus PyraCanny" in lists[0]["model_list"] and "canny" in lists[1]["module_list"]
    assert api.session.get(f"{api.url}/controlnet/module_list?alias_names=true", timeout=60).status_code == 200
    assert api.session.post(f"{api.url}/controlnet/detect", json={}, timeout=60).status_code == 404
    picture, area = Image.new("RGB", (256, 256), "green"), (64, 64, 192, 192)
    for given, invert in (
        (mask((256, 256), area), 0),
        (mask((256, 256), area, "RGBA"), 0),
        (mask((256, 256), area), 1),
    ):
        body = {
            "prompt": "x",
            "init_images": [encoded(picture)],
            "mask": encoded(given),
            "inpainting_mask_invert": invert,
            "inpainting_fill": 2,
            "inpaint_full_res": False,
            "inpaint_full_res_padding": 32,
            "mask_blur": 4,
            "width": 256,
            "height": 256,
            "denoising_strength": 0.7,
            "steps": 2,
            "override_settings": LIGHTNING,
        }
        (image,), _ = api.draw("img2img", **body)
        at_corner, in_middle = (is_other(image.getpixel(at)) for at in ((2, 2), (128, 128)))
        assert (at_corner, in_middle) == (bool(invert), not invert)


def test_the_go_bot_reads_whole_numbers(api: A1111) -> None:
    body = {"prompt": "x", "width": 512, "height": 512, "n_iter": 2, "enable_hr": False, "hr_resize_x": 0, **QUICK}
    info = json.loads(api.post("txt2img", body).json()["info"])
    assert all(type(seed) is int and 0 <= seed < 2**32 for seed in info["all_seeds"] + info["all_subseeds"])
    assert len(info["all_seeds"]) == len(info["infotexts"]) == 2


def test_text_generation_webui(api: A1111) -> None:
    body = {"prompt": "x", "enable_hr": True, "hr_scale": "1.0", "hr_upscaler": "None", "restore_faces": True, **QUICK}
    answer = api.post("txt2img", body)
    assert answer.status_code == 200 and "restore_faces" in answer.headers["X-Ignored-Fields"]
    for path in ("unload-checkpoint", "reload-checkpoint"):
        done = api.session.post(f"{api.url}{API}/{path}", json="", timeout=60)
        assert (done.status_code, done.json()) == (200, {})


def test_formats_and_images_that_are_not_sent(api: A1111) -> None:
    for written, name in (("jpg", "JPEG"), ("webp", "WEBP")):
        (image,), info = api.draw(
            prompt="ein Käse, 猫", width=256, height=256, override_settings={**LIGHTNING, "samples_format": written}
        )
        assert (image.format, image.size) == (name, (256, 256))
        assert info["infotexts"][0].startswith("ein Käse, 猫")
    images, info = api.draw(send_images=False)
    assert images == [] and len(info["all_seeds"]) == 1


def test_a_mask_without_white_returns_the_picture(api: A1111) -> None:
    body = {"init_images": [png((100, 50), (10, 20, 30))], "mask": png((100, 50), 0, "L"), "width": 200, "height": 100}
    (image,), info = api.draw("img2img", **body)
    assert image.size == (200, 100) and image.getpixel((9, 9)) == (10, 20, 30) and info["task_id"] is None


def test_styles_replace_the_defaults(api: A1111) -> None:
    style = api.json("prompt-styles")[5]["name"]
    answer = api.post("txt2img", {**QUICK, "styles": [style, "None", ["", "no such style"]]})
    assert json.loads(answer.json()["info"])["styles"] == [style]
    assert answer.headers["X-Ignored-Fields"] == "styles"


def test_further_refusals_are_in_its_words(api: A1111) -> None:
    for body, status, words in (
        ({"script_name": "x/y/z plot"}, 422, "Script 'x/y/z plot' not found"),
        ({"alwayson_scripts": {"Roop": {"args": ["a", True]}}}, 422, "always on script Roop not found"),
        ({"override_settings": {"sd_model_checkpoint": "none such"}}, 404, "Model not found"),
        ({"width": 5000}, 422, "width: "),
        ({"batch_size": 5, "n_iter": 7}, 422, "batch_size: "),
        ({"steps": "many"}, 422, "steps: "),
        ({"enable_hr": True, "hr_scale": 9}, 422, "hr_scale: "),
    ):
        answer = api.post("txt2img", body)
        assert (answer.status_code, set(answer.json())) == (status, {"error", "detail", "body", "errors"}), answer.text
        assert answer.json()["detail"].startswith(words)
    assert api.post("img2img", {"init_images": []}).json()["detail"] == "Init image not found"
    assert api.post("interrogate", {"image": png(), "model": "x"}).status_code == 404
    assert api.get("version").json() == {"detail": "Not Found"}
    assert api.get("txt2img").json() == {"detail": "Method Not Allowed"}
