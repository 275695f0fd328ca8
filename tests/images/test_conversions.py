"""Conversions to formats that can't hold an image: 406 with the reason, before generation where the size is known."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.api.schemas.generate import CommonRequest
from fooocus_api.api.validation.result_size import result_size
from fooocus_api.images.codecs.conversion import MAX_SIDE, CannotConvert, converted
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

WIDE, WIDER = (18_000, 8), (66_000, 8)
"""Wider than WebP allows, and than JPEG."""


def png(size: tuple[int, int], mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    PILImage.new(mode, size, 200).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def text(size: tuple[int, int]) -> str:
    return base64.b64encode(png(size)).decode("ascii")


def count(client: Client) -> int:
    return int(client.get("/tasks", params={"query": "all", "page_size": 1}).json()["history"][0]["id"])


@pytest.fixture
def output(demo: Host) -> Any:
    """Yield a function that writes a file into the outputs and returns its URL."""
    made: list[Path] = []

    def put(name: str, content: bytes) -> str:
        folder = demo.outputs / "2026-01-01"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_bytes(content)
        made.append(path)
        return f"/outputs/2026-01-01/{name}"

    yield put
    for path in made:
        path.unlink()


@pytest.mark.parametrize(
    ("size", "accept", "status"),
    [
        (WIDE, "image/webp", 406),
        (WIDE, "image/jpeg", 200),
        (WIDER, "image/webp", 406),
        (WIDER, "image/jpeg", 406),
        (WIDER, "image/png", 200),
        ((8, 18_000), "image/webp", 406),
        ((MAX_SIDE["WEBP"], 8), "image/webp", 200),
        ((MAX_SIDE["WEBP"] + 1, 8), "image/webp", 406),
        ((MAX_SIDE["JPEG"], 8), "image/jpeg", 200),
        ((MAX_SIDE["JPEG"] + 1, 8), "image/jpeg", 406),
    ],
)
@pytest.mark.parametrize("room", ["outputs", "inputs"])
def test_what_a_format_can_not_hold_is_406(
    client: Client, output: Any, room: str, size: tuple[int, int], accept: str, status: int
) -> None:
    if room == "outputs":
        url = output("wide.png", png(size))
    else:
        url = client.post("/inputs", files={"image": ("x.png", png(size))}).json()["url"]
    for method in ("GET", "HEAD"):
        answer = client.request(method, url, headers={"Accept": accept})
        assert answer.status_code == status, answer.text
    answer = client.get(url, headers={"Accept": accept})
    if status == 406:
        assert answer.headers["content-type"] == "application/problem+json" and answer.headers["vary"] == "Accept"
        longest = MAX_SIDE[accept.removeprefix("image/").upper()]
        assert f"{size[0]}x{size[1]} pixels" in answer.json()["detail"] and str(longest) in answer.json()["detail"]
        assert client.get(url).status_code == 200
    else:
        assert answer.headers["content-type"] == accept


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(40), png((400, 400))[:200], b"<html>"])
def test_a_broken_file_is_406_as_well(client: Client, output: Any, content: bytes) -> None:
    url = output("broken.png", content)
    answer = client.get(url, headers={"Accept": "image/webp"})
    assert answer.status_code == 406 and "image" in answer.json()["detail"]
    assert client.get(url).status_code == 200


def test_an_image_beyond_pillows_bound_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    PILImage.new("1", (60_000, 3_000)).save(path, compress_level=1)
    content = converted(path, "JPEG")
    assert content[:3] == b"\xff\xd8\xff"
    with pytest.raises(CannotConvert, match=r"60000x3000 pixels \(WebP allows at most 16383"):
        converted(path, "WEBP")


TO_BE_TOO_WIDE: dict[str, tuple[dict[str, Any], str]] = {
    "fast 2x": ({"uov_method": "Upscale (Fast 2x)", "uov_input_image": text((9_000, 200))}, "18000x400"),
    "custom": (
        {"uov_method": "Upscale (Custom)", "upscale_multiple": 4.5, "uov_input_image": text((4_000, 100))},
        "18000x450",
    ),
    "vary": ({"uov_method": "Vary (Subtle)", "uov_input_image": text((17_024, 64))}, "x"),
    "outpaint": (
        {
            "inpaint_input_image": text((16_000, 64)),
            "outpaint_selections": ["Left"],
            "outpaint_distance": [500, 0, 0, 0],
        },
        "16500x64",
    ),
    "the host's own outpaint": (
        {"inpaint_input_image": text((13_000, 64)), "outpaint_selections": ["Right"]},
        "16900x64",
    ),
}


@pytest.mark.parametrize("name", TO_BE_TOO_WIDE)
def test_a_request_that_would_end_so_is_refused_before_anything_is_drawn(client: Client, name: str) -> None:
    client.draw()
    fields, size = TO_BE_TOO_WIDE[name]
    before = count(client)
    refused = client.generate(output_format="webp", **fields)
    assert refused.status_code == 422, refused.text
    (error,) = refused.json()["errors"]
    assert error["field"] == "output_format" and error["allowed"] == ["png"]
    assert size in error["message"] and "16383" in error["message"]
    asked = client.generate(accept="image/webp", **fields)
    assert asked.status_code == 406 and "16383" in asked.json()["detail"], asked.text
    asked = client.generate(accept="image/webp", output_format="png", **fields)
    assert asked.status_code == 406 and size in asked.json()["detail"]
    assert count(client) == before


def test_what_fits_is_drawn(client: Client) -> None:
    fields: dict[str, Any] = {"uov_method": "Upscale (Fast 2x)", "uov_input_image": text((8_000, 200))}
    record = client.draw(output_format="webp", **fields)
    assert (record["images"][0]["width"], record["images"][0]["format"]) == (16_000, "webp")
    answer = client.generate(accept="image/webp", **fields)
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/webp"


def test_the_size_is_the_one_that_comes_out(client: Client) -> None:
    for method, size, more in (
        ("Upscale (Fast 2x)", (700, 300), {}),
        ("Upscale (1.5x)", (100, 30), {}),
        ("Upscale (2x)", (800, 776), {}),
        ("Upscale (Custom)", (300, 400), {"upscale_multiple": 3.3}),
        ("Vary (Subtle)", (300, 100), {}),
        ("Vary (Strong)", (3000, 2500), {}),
    ):
        body = CommonRequest.model_validate({"uov_method": method, "uov_input_image": "x", **more})
        record = client.draw(uov_method=method, uov_input_image=text(size), overwrite_step=1, **more)
        width, height = record["images"][0]["width"], record["images"][0]["height"]
        foretold = result_size(body, {"uov_input_image": "x"}, lambda _, size=size: size)  # type: ignore[misc]
        assert foretold is not None
        assert (width, height) in {foretold, (foretold[0] // 8 * 8, foretold[1] // 8 * 8)}, (method, size)
