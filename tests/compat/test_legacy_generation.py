"""Fooocus-API's generation routes: forms, JSON, the forms of the answer, and what it forgave."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client, picture
from fooocus_api.tests.support.compat.legacy import (
    JOB,
    QUICK,
    TEXT,
    asked,
    ended,
    ignored,
    planned,
    png,
    post,
    record_of,
    text,
)

IMAGE = {"base64", "url", "seed", "finish_reason"}
ADVANCED = json.dumps(QUICK["advanced_params"])
FORM = {"performance_selection": "Speed", "style_selections": "Fooocus V2,Fooocus Sharp", "advanced_params": ADVANCED}


def send_form(client: Client, kind: str, files: dict[str, bytes], **fields: Any) -> Any:
    parts = {name: ("picture.bin", content, "image/png") for name, content in files.items()}
    return client.post(f"/v1/generation/{kind}", data={**FORM, **fields}, files=parts)


def test_without_a_choice_the_answer_is_the_list_of_images(client: Client) -> None:
    response = post(client, prompt="a cat", image_number=2, image_seed=5)
    images = response.json()
    assert [set(one) for one in images] == [IMAGE, IMAGE]
    assert [one["seed"] for one in images] == ["5", "6"] and {one["finish_reason"] for one in images} == {"SUCCESS"}
    assert all(one["base64"] is None for one in images)
    assert picture(client.get(images[0]["url"]).content).size == (256, 256)


def test_base64_has_the_prefix_of_a_data_uri(client: Client) -> None:
    (image,) = post(client, require_base64=True).json()
    prefix, content = image["base64"].split(",")
    assert prefix == "data:image/png;base64"
    assert base64.b64decode(content) == client.get(image["url"]).content


@pytest.mark.parametrize("by", ["header", "query"])
def test_an_image_is_returned_itself(client: Client, by: str) -> None:
    accept: dict[str, Any] = (
        {"headers": {"Accept": "image/png"}} if by == "header" else {"params": {"accept": "image/png"}}
    )
    response = client.post(TEXT, json={**QUICK, "image_number": 3, "save_extension": "webp"}, **accept)
    assert response.headers["content-type"] == "image/png" and ignored(response) == {"image_number"}
    assert picture(response.content).format == "PNG"


def test_the_query_takes_precedence_over_the_header_and_a_list_is_no_image(client: Client) -> None:
    for accept, query in (("image/png", {"accept": "application/json"}), ("image/png, */*", {})):
        response = client.post(TEXT, json=QUICK, headers={"Accept": accept}, params=query)
        assert isinstance(response.json(), list)


def test_a_job_is_returned_at_once(client: Client) -> None:
    job = post(client, prompt="later", async_process=True).json()
    assert set(job) == JOB and job["job_type"] == "Text to Image"
    done = ended(client, job["job_id"])
    assert (done["job_stage"], done["job_progress"]) == ("SUCCESS", 100) and set(done["job_result"][0]) == IMAGE


# ------------------------------------------------------------------ translations


def test_advanced_params_and_names_become_fields(client: Client) -> None:
    advanced = {**QUICK["advanced_params"], "sampler_name": "euler", "clip_skip": 3, "overwrite_switch": 0.5}
    response = post(client, advanced_params=advanced, save_extension="jpg", meta_scheme="a111", save_meta=True)
    sent = asked(client, response)
    assert (sent["sampler_name"], sent["clip_skip"], sent["refiner_switch"], sent["overwrite_switch"]) == (
        "euler",
        3,
        0.5,
        -1,
    )
    assert (sent["output_format"], sent["metadata_scheme"], ignored(response)) == ("jpg", "a111", set())
    assert asked(client, post(client, meta_scheme=""))["save_metadata_to_images"] is True


@pytest.mark.parametrize("written", ["896x1152", "896×1152", "896*1152"])
def test_a_ratio_may_be_written_in_several_ways(client: Client, written: str) -> None:
    sent = planned(client, aspect_ratios_selection=written, advanced_params={})
    assert sent["aspect_ratios_selection"] == "896*1152" and sent["overwrite_width"] == -1


def test_a_ratio_that_is_not_listed_becomes_a_size(client: Client) -> None:
    sent = planned(client, aspect_ratios_selection="320x448", advanced_params={})
    assert (sent["overwrite_width"], sent["overwrite_height"]) == (320, 448)


def test_a_form_upscales(client: Client) -> None:
    response = send_form(
        client, "image-upscale-vary", {"input_image": png()}, uov_method="Upscale (Fast 2x)", prompt="x"
    )
    sent = asked(client, response)
    assert picture(client.get(response.json()[0]["url"]).content).width > 64
    assert sent["style_selections"] == ["Fooocus V2", "Fooocus Sharp"] and sent["save_metadata_to_images"] is False


def test_json_upscales_by_a_factor(client: Client) -> None:
    fields = {"input_image": text(png()), "uov_method": "Upscale (Custom)", "upscale_value": 1.5}
    sent = planned(client, "/v2/generation/image-upscale-vary", **fields)
    assert (sent["uov_method"], sent["upscale_multiple"]) == ("Upscale (Custom)", 1.5)


def test_outpainting_has_the_sides_in_order(client: Client) -> None:
    distances = {"outpaint_distance_left": 8, "outpaint_distance_top": -1, "outpaint_distance_bottom": 16}
    form = send_form(
        client, "image-inpaint-outpaint", {"input_image": png()}, outpaint_selections="Left,Top", **distances
    )
    sent = asked(client, form)
    assert (sent["outpaint_selections"], sent["outpaint_distance"]) == (["Left", "Top"], [8, 0, 0, 0])
    assert "outpaint_distance_bottom" in ignored(form) and sent["inpaint_respective_field"] == 1.0
    job = post(
        client,
        "/v2/generation/image-inpaint-outpaint",
        input_image=text(png()),
        outpaint_selections=["Right"],
        async_process=True,
    ).json()
    assert job["job_type"] == "Image Inpaint or Outpaint"


def test_a_mask_is_inverted_on_request(client: Client) -> None:
    advanced = {**QUICK["advanced_params"], "invert_mask_checkbox": True, "inpaint_erode_or_dilate": 4}
    fields = {"input_image": text(png()), "advanced_params": advanced}
    for mask, colour in ((text(png("black")), (255, 255, 255)), ("", (255, 255, 255))):
        sent = asked(client, post(client, "/v2/generation/image-inpaint-outpaint", input_mask=mask, **fields))
        painted = picture(client.get(sent["inpaint_mask_image_upload"]).content)
        assert painted.getpixel((0, 0)) == colour and sent["inpaint_erode_or_dilate"] == -4


@pytest.mark.parametrize("mask", [None, "black"])
def test_an_image_without_a_mask_is_left_out_as_in_fooocus(client: Client, mask: str | None) -> None:
    given = {} if mask is None else {"input_mask": text(png(mask))}
    response = post(client, "/v2/generation/image-inpaint-outpaint", input_image=text(png()), **given)
    assert {"input_image", *given} <= ignored(response) and asked(client, response)["inpaint_input_image"] is None


def test_image_prompts_have_the_values_of_their_type(client: Client) -> None:
    prompts = [
        {"cn_img": text(png()), "cn_type": "FaceSwap", "cn_stop": 0, "cn_weight": None},
        {"cn_img": "none"},
        {"cn_img": text(png("blue")), "cn_stop": 0.3, "cn_weight": 1.5, "cn_type": "PyraCanny"},
    ]
    sent = asked(client, post(client, "/v2/generation/text-to-image-with-ip", image_prompts=prompts))
    assert [(one["cn_type"], one["cn_stop"], one["cn_weight"]) for one in sent["controlnet_image"]] == [
        ("FaceSwap", 0.9, 0.75),
        ("PyraCanny", 0.3, 1.5),
    ]


def test_image_prompts_of_a_form_are_mixed_with_its_image(client: Client) -> None:
    files = {"input_image": png(), "input_mask": png("white"), "cn_img2": png("blue")}
    sent = asked(client, send_form(client, "image-prompt", files, cn_type2="CPDS", cn_stop2="0.4", cn_weight1=""))
    assert sent["mixing_image_prompt_and_inpaint"] is True
    assert [(one["cn_type"], one["cn_stop"]) for one in sent["controlnet_image"]] == [("CPDS", 0.4)]


def test_enhancement_by_a_form_and_by_json(client: Client) -> None:
    first = {"enhance_enabled_1": "True", "enhance_mask_dino_prompt_1": "eye", "enhance_uov_method": "Disabled"}
    form = send_form(client, "image-enhance", {"enhance_input_image": png()}, async_process="true", **first)
    sent = asked(client, form)
    assert (
        sent["enhance_ctrls"][0]["enhance_mask_dino_prompt"] == "eye" and sent["save_final_enhanced_image_only"] is True
    )
    response = post(
        client,
        "/v2/generation/image-enhance",
        enhance_input_image=text(png()),
        enhance_uov_method="Disabled",
        enhance_ctrlnets=[{"enhance_enabled": True, "enhance_inpaint_erode_or_dilate": 1.5}],
        async_process=True,
    )
    control = asked(client, response)["enhance_ctrls"][0]
    assert (control["enhance_mask_dino_prompt"], control["enhance_inpaint_erode_or_dilate"]) == ("face", 2)
    assert response.json()["job_type"] == "Image Enhancement"
    for job in (form, response):
        assert ended(client, job.json()["job_id"])["job_stage"] in ("SUCCESS", "ERROR")


def test_an_image_of_this_server_is_known_by_its_older_url(client: Client) -> None:
    (image,) = post(client).json()
    for written in (image["url"], "/files/" + image["url"].split("/files/")[1]):
        sent = asked(
            client,
            post(client, "/v2/generation/image-upscale-vary", input_image=written, uov_method="Upscale (Fast 2x)"),
        )
        assert sent["uov_input_image"].split("/outputs/")[1] == image["url"].split("/files/")[1]


# ------------------------------------------------------------------ forgiveness


def test_unknown_names_are_left_out_and_named(client: Client) -> None:
    loras = [{"model_name": "none.safetensors", "weight": 0.5}, {"model_name": "demo_warm_light.safetensors"}]
    response = post(
        client,
        base_model_name="juggernautXL_version6Rundiffusion.safetensors",
        refiner_model_name="none.safetensors",
        style_selections=["None such", "Fooocus Sharp"],
        loras=loras,
        advanced_params={**QUICK["advanced_params"], "sampler_name": "x", "inpaint_engine": "v9", "other": 1},
        image_seed=2**70,
        webhook_url="string",
        save_extension="tga",
        overwrite_upscale_strength=0.2,
        prompt="a cat <lora:none:1>",
    )
    sent = asked(client, response)
    assert ignored(response) == {
        *("base_model_name", "refiner_model_name", "style_selections", "loras[0].model_name", "image_seed"),
        *("advanced_params.sampler_name", "advanced_params.inpaint_engine", "advanced_params.other"),
        *("webhook_url", "save_extension", "overwrite_upscale_strength", "prompt"),
    }
    assert sent["style_selections"] == ["Fooocus Sharp"] and sent["prompt"] == "a cat "
    assert [one["model_name"] for one in sent["loras"]] == ["demo_warm_light.safetensors"]


@pytest.mark.parametrize("advanced", ["{", '{"clip_skip": 99}', "[1]", "7"])
def test_invalid_advanced_params_of_a_form_are_ignored(client: Client, advanced: str) -> None:
    response = send_form(
        client, "image-upscale-vary", {"input_image": png()}, uov_method="Upscale (Fast 2x)", advanced_params=advanced
    )
    assert response.status_code == 200 and ignored(response) == {"advanced_params"}


def test_an_image_for_no_method_is_left_out(client: Client) -> None:
    response = post(client, "/v2/generation/image-upscale-vary", input_image=text(png()), uov_method="Disabled")
    assert ignored(response) == {"input_image"} and record_of(client, response)["task_status"] == "finished"


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("path", "body", "location"),
    [
        (TEXT, {"performance_selection": "Fast"}, ["body", "performance_selection"]),
        (TEXT, {"image_number": 99}, ["body", "image_number"]),
        (TEXT, {"advanced_params": {"clip_skip": 99}}, ["body", "advanced_params", "clip_skip"]),
        (TEXT, {"advanced_params": {"vae_name": "none"}}, ["body", "advanced_params", "vae_name"]),
        (TEXT, {"loras": [{"model_name": "None", "weight": 9}]}, ["body", "loras", 0, "weight"]),
        ("/v2/generation/image-upscale-vary", {}, ["body", "input_image"]),
        ("/v2/generation/image-upscale-vary", {"input_image": "!"}, ["body", "input_image"]),
        (
            "/v2/generation/image-inpaint-outpaint",
            {"input_image": "x", "input_mask": "x", "outpaint_distance_left": 9999},
            ["body", "outpaint_distance_left"],
        ),
        (
            "/v2/generation/image-prompt",
            {"image_prompts": [{"cn_img": "x", "cn_type": "None such"}]},
            ["body", "image_prompts", 0, "cn_type"],
        ),
    ],
)
def test_an_invalid_field_is_named_as_fastapi_does(
    client: Client, path: str, body: dict[str, Any], location: list[Any]
) -> None:
    response = client.post(path, json=body)
    assert response.status_code == 422
    assert location in [one["loc"] for one in response.json()["detail"]]
    assert all(set(one) == {"loc", "msg", "type"} for one in response.json()["detail"])


@pytest.mark.parametrize("body", ["[]", "7", "{", ""])
def test_a_body_that_is_no_object_is_refused(client: Client, body: str) -> None:
    response = client.post(TEXT, data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422 and "detail" in response.json()


def test_a_form_route_needs_a_form(client: Client) -> None:
    assert client.post("/v1/generation/image-prompt", json={}).status_code == 415
    urlencoded = client.post("/v1/generation/image-prompt", data={**FORM, "prompt": "x", "async_process": "true"})
    assert urlencoded.json()["job_type"] == "Image Prompt"
    ended(client, urlencoded.json()["job_id"])


def test_a_wrong_method_and_a_wrong_path_have_a_detail(client: Client) -> None:
    for path, status in ((TEXT, 405), ("/v2/none", 404)):
        response = client.get(path)
        assert response.status_code == status and isinstance(response.json()["detail"], str)
