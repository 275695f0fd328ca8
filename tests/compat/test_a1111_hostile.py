"""Hostile input to AUTOMATIC1111's routes: refused in its shape, and never with a 5xx."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.compat.a1111 import A1111, png
from fooocus_api.tests.support.host import Host, demo_host


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host() as running:
        yield running


@pytest.fixture(scope="module")
def api(host: Host) -> A1111:
    return A1111(host)


def bomb() -> str:
    """Return a PNG of a few bytes whose header says 60000 by 60000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return base64.b64encode(content).decode()


def truncated() -> str:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()[:300]).decode()


DEEP: Any = []
for _ in range(100):
    DEEP = [DEEP]
BODIES: list[tuple[str, Any]] = [
    ("txt2img", []),
    ("txt2img", "text"),
    ("txt2img", {"prompt": 5}),
    ("txt2img", {"prompt": ["a"]}),
    ("txt2img", {"prompt": "a\u0000b" * 9000}),
    ("txt2img", {"width": -5, "height": 1e300, "steps": 1e300}),
    ("txt2img", {"width": 1, "height": 2048}),
    ("txt2img", {"seed": 10**400}),
    ("txt2img", {"seed": "9" * 5000}),
    ("txt2img", {"n_iter": 10**4000, "batch_size": 10**4000}),
    ("txt2img", {"width": 10**400, "height": 512, "enable_hr": True}),
    ("txt2img", {"width": 512, "height": 512, "enable_hr": True, "hr_resize_x": 10**400}),
    ("txt2img", {"width": 512, "height": 512, "enable_hr": True, "hr_resize_y": 10**4000}),
    ("img2img", {"init_images": [png()], "mask": png(), "inpaint_full_res_padding": 10**400, "width": 10**400}),
    ("extra-single-image", {"resize_mode": 1, "upscaling_resize_w": 10**400, "upscaler_1": "Lanczos", "image": png()}),
    ("txt2img", {"n_iter": 10**9, "batch_size": 10**9}),
    ("txt2img", {"styles": DEEP, "sampler_name": "x" * 10**6}),
    ("txt2img", {"override_settings": {"sd_model_checkpoint": "../../etc/passwd"}}),
    ("txt2img", {"override_settings": {"sd_model_checkpoint": "a" * 10**6}}),
    ("txt2img", {"override_settings": "x"}),
    ("txt2img", {"alwayson_scripts": {"ControlNet": {"args": [{"enabled": True}] * 40_000}}}),
    ("txt2img", {"alwayson_scripts": {"ControlNet": {"args": [{"module": "canny", "image": "x"}]}}}),
    ("txt2img", {"alwayson_scripts": {"ControlNet": {"args": [{"module": "canny", "image": png()}] * 30}}}),
    ("txt2img", {"alwayson_scripts": {"x" * 5000: {"args": [1]}}}),
    ("txt2img", {"alwayson_scripts": {"ADetailer": {"args": [{"ad_model": "x"}]}}}),
    ("txt2img", {"enable_hr": True, "hr_resize_x": 10**9, "hr_scale": -1}),
    ("txt2img", {"script_name": "x" * 10**5}),
    ("img2img", {"init_images": [bomb()]}),
    ("img2img", {"init_images": [truncated()]}),
    ("img2img", {"init_images": ["data:image/png;base64"]}),
    ("img2img", {"init_images": ["http://169.254.169.254/latest/meta-data"]}),
    ("img2img", {"init_images": ["/outputs/../../etc/passwd"]}),
    ("img2img", {"init_images": [png()], "mask": bomb()}),
    ("img2img", {"init_images": [png()], "width": 10**6}),
    ("img2img", {"init_images": {"a": 1}}),
    ("img2img", {}),
    ("extra-single-image", {"image": bomb(), "upscaler_1": "x"}),
    ("extra-single-image", {"image": png((1000, 1000)), "upscaler_1": "Lanczos", "upscaling_resize": 8}),
    ("extra-single-image", {"resize_mode": 1, "upscaling_resize_w": 10**9, "upscaler_1": "Lanczos", "image": png()}),
    ("extra-batch-images", {"imageList": [{"data": png(), "name": "x"}] * 40}),
    ("extra-batch-images", {"imageList": [{"data": "x"}]}),
    (
        "extra-batch-images",
        {"imageList": [{"data": png((1000, 1000))}] * 5, "upscaler_1": "Lanczos", "upscaling_resize": 4},
    ),
    ("txt2img", {"n_iter": 32, "width": 2048, "height": 2048}),
    ("txt2img", {"n_iter": 8, "width": 1024, "height": 1024, "enable_hr": True, "hr_scale": 4}),
    ("img2img", {"n_iter": 32, "width": 2048, "height": 2048, "init_images": [png()]}),
    ("png-info", {"image": "x"}),
    ("png-info", {"image": ["x"]}),
    ("interrogate", {"image": "x"}),
    ("interrogate", {"image": png(), "model": "x" * 10**6}),
    ("interrogate", {"image": " " * 10**6}),
    ("options", {"sd_model_checkpoint": "none such"}),
    ("options", []),
]


@pytest.mark.parametrize(("path", "body"), BODIES, ids=[f"{number} {path}" for number, (path, _) in enumerate(BODIES)])
def test_hostile_input_is_refused_in_its_shape(api: A1111, path: str, body: Any) -> None:
    answer = api.post(path, body)
    assert 400 <= answer.status_code < 500, answer.text[:500]
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json()) == {"error", "detail", "body", "errors"} and answer.json()["detail"]
    assert len(answer.content) < 20_000


def test_a_batch_is_checked_before_anything_is_generated(api: A1111, host: Host) -> None:
    before = Client(host.url).tasks()
    body = {"imageList": [{"data": png()}, {"data": truncated()}], "upscaler_1": "Fooocus"}
    answer = api.post("extra-batch-images", body)
    assert answer.status_code == 422 and answer.json()["detail"].startswith("imageList[1].data: ")
    assert Client(host.url).tasks() == before


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{", "application/json"), (b"\xff", "application/json"), (b"{}" * 9, "text/plain"), (b"", "application/json")],
)
def test_a_body_that_is_no_json_is_refused(api: A1111, content: bytes, kind: str) -> None:
    url = f"{api.url}/sdapi/v1/txt2img"
    answer = api.session.post(url, data=content, headers={"Content-Type": kind}, timeout=60)
    assert answer.status_code == 422 and set(answer.json()) == {"error", "detail", "body", "errors"}


def test_settings_take_any_object(api: A1111) -> None:
    strange = {
        "CLIP_stop_at_last_layers": [],
        "samples_format": {},
        "sd_vae": 5,
        "fooocus_styles": "x",
        "fooocus_performance": [],
        "x" * 999: DEEP,
    }
    assert api.post("options", {**strange, "sd_model_checkpoint": 5}).status_code == 200
    assert api.json("options")["samples_format"] == "png"
    for path in ("interrupt", "skip"):
        assert api.post(path, {"anything": [1, 2]}).status_code == 200


def test_the_schema_lists_all_routes(api: A1111) -> None:
    schema = api.session.get(f"{api.url}/v1/openapi/a1111.json", timeout=60).json()
    assert len(schema["paths"]) == 35
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"] and operation["description"], (path, method)
            assert "ErrorResponse" in str(operation["responses"]["403"])
