"""Bad input gets a problem document that names the field and what is allowed, and no task."""

from __future__ import annotations

from typing import Any

import pytest

from fooocus_api.tests.client import Client

BAD: list[tuple[dict[str, Any], str]] = [
    ({"image_number": 0}, "image_number"),
    ({"image_number": 33}, "image_number"),
    ({"image_number": "many"}, "image_number"),
    ({"sharpness": 31}, "sharpness"),
    ({"guidance_scale": None}, "guidance_scale"),
    ({"image_seed": -2}, "image_seed"),
    ({"overwrite_width": 2049}, "overwrite_width"),
    ({"style_selections": "Fooocus V2"}, "style_selections"),
    ({"style_selections": ["Fooocus V2", "No Such Style"]}, "style_selections[1]"),
    ({"performance_selection": "Fast"}, "performance_selection"),
    ({"aspect_ratios_selection": "10*10"}, "aspect_ratios_selection"),
    ({"output_format": "gif"}, "output_format"),
    ({"base_model_name": "no_such_model.safetensors"}, "base_model_name"),
    ({"refiner_model_name": "no_such_model.safetensors"}, "refiner_model_name"),
    ({"sampler_name": "eulr"}, "sampler_name"),
    ({"scheduler_name": "kerras"}, "scheduler_name"),
    ({"vae_name": "no_such.vae"}, "vae_name"),
    ({"refiner_swap_method": "x"}, "refiner_swap_method"),
    ({"metadata_scheme": "x"}, "metadata_scheme"),
    ({"loras": [{"model_name": "None", "weight": 3}]}, "loras[0].weight"),
    ({"loras": [{"model_name": "None"}, {"model_name": "no_such_lora"}]}, "loras[1].model_name"),
    ({"uov_input_image": "http://127.0.0.1:9/a.png", "uov_method": "Vary (Subtle)"}, "uov_input_image"),
    ({"controlnet_image": [{"cn_type": "CPDS"}, {"cn_img": "iVBORw0KGgo="}]}, "controlnet_image[1].cn_img"),
    ({"preset": "../config"}, "preset"),
    ({"webhook_url": "http://example.com"}, "webhook_url"),
]


@pytest.mark.parametrize(("fields", "field"), BAD, ids=[field for _, field in BAD])
def test_the_field_is_named(client: Client, fields: dict[str, Any], field: str) -> None:
    before = client.draw()["id"]
    response = client.generate(**fields)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 422 and problem["title"]
    assert field in [error["field"] for error in problem["errors"]]
    assert field in problem["detail"]
    assert client.draw()["id"] == before + 1  # no row was left behind


def test_the_nearest_names_are_offered(client: Client) -> None:
    error = client.generate(scheduler_name="kerras").json()["errors"][0]
    assert "karras" in error["allowed"]


def test_more_loras_than_there_are_places(client: Client) -> None:
    response = client.generate(loras=[{"model_name": "None"}] * 40)
    assert response.status_code == 422 and "loras" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{not json", "application/json"),
        (b"[]", "application/json"),
        (b"", "application/json"),
        (b"a=b", "text/plain"),
    ],
)
def test_a_body_that_is_no_request(client: Client, body: bytes, kind: str) -> None:
    response = client.post("/v1/engine/generate/", data=body, headers={"Content-Type": kind})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/nothing", "/tasks/ffff", "/outputs/2020-01-01/none.png", "/docs/nothing"])
def test_what_is_not_there_is_404(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 404


def test_a_wrong_method_is_405(client: Client) -> None:
    response = client.get("/v1/engine/generate")
    assert response.status_code == 405 and response.json()["title"] == "Method Not Allowed"
