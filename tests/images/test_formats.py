"""Input images in each format that people send: accepted, or refused with the remedy."""

from __future__ import annotations

import base64
import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.images.codecs import input_formats
from fooocus_api.images.codecs.input_formats import ANY, Unreadable, decoder_of, reads_avif
from fooocus_api.tests.hostile.other_pictures import heic
from fooocus_api.tests.images.test_inputs import upload
from fooocus_api.tests.support.client import Client, picture

RED, GREEN = (200, 10, 10), (10, 200, 10)
NO_AVIF = pytest.mark.skipif(not reads_avif(), reason="pillow-avif-plugin is not installed")


def image(kind: str, **options: Any) -> bytes:
    """Return a red picture whose second frame or page, where the format has one, is green."""
    buffer = io.BytesIO()
    first, second = PILImage.new("RGB", (96, 64), RED), PILImage.new("RGB", (96, 64), GREEN)
    more = {"save_all": True, "append_images": [second]} if kind in ("GIF", "TIFF") else {}
    first.save(buffer, kind, **more, **options)
    return buffer.getvalue()


KINDS = ["GIF", "BMP", "TIFF", pytest.param("AVIF", marks=NO_AVIF)]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_kept_as_a_png_that_every_browser_shows(client: Client, kind: str) -> None:
    answer = upload(client, image(kind), f"picture.{kind.lower()}")
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    assert kept["file_name"].endswith(".png") and (kept["width"], kept["height"]) == (96, 64)
    served = client.get(kept["url"])
    assert served.headers["content-type"] == "image/png"
    shown = picture(served.content).convert("RGB")
    assert shown.size == (96, 64) and all(abs(a - b) < 12 for a, b in zip(shown.getpixel((5, 5)), RED, strict=True))  # type: ignore[arg-type]
    assert upload(client, image(kind), "again").json()["file_name"] == kept["file_name"]
    for accept in ("image/jpeg", "image/webp"):
        assert client.get(kept["url"], headers={"Accept": accept}).headers["content-type"] == accept


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_drawn_from_however_it_is_sent(client: Client, kind: str) -> None:
    content = base64.b64encode(image(kind)).decode("ascii")
    for sent in (
        content,
        f"data:image/{kind.lower()};base64,{content}",
        upload(client, image(kind), "x").json()["url"],
    ):
        record = client.draw(uov_method="Upscale (Fast 2x)", uov_input_image=sent)
        result = client.image(record["result"][0]).convert("RGB")
        assert all(abs(a - b) < 12 for a, b in zip(result.getpixel((9, 9)), RED, strict=True))  # type: ignore[arg-type]
    assert client.post("/v1/tools/describe-image", files={"image": ("x", image(kind))}).status_code == 200
    assert client.post("/v1/tools/generate_mask", json={"image": content, "mask_model": "u2net"}).status_code == 200


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_scanned_page_is_upright(client: Client, orientation: int) -> None:
    answer = upload(client, image("TIFF", tiffinfo={0x0112: orientation}), "page.tiff").json()
    assert (answer["width"], answer["height"]) == ((64, 96) if orientation > 4 else (96, 64))
    shown = client.image(answer["url"])
    assert shown.size == (answer["width"], answer["height"])


def test_what_is_transparent_stays_so(client: Client) -> None:
    buffer = io.BytesIO()
    drawing = PILImage.new("RGBA", (96, 64), (0, 0, 0, 0))
    drawing.paste((200, 10, 10, 255), (0, 0, 48, 64))
    drawing.save(buffer, "GIF")
    shown = client.image(upload(client, buffer.getvalue(), "drawing.gif").json()["url"]).convert("RGBA")
    assert [shown.getpixel((at, 5))[3] for at in (5, 90)] == [255, 0]  # type: ignore[index]


def test_a_servers_picture_may_be_of_any_kind(demo_factory: Any) -> None:
    class Avatar(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/gif")
            self.end_headers()
            self.wfile.write(image("GIF"))

    host = demo_factory("--allow-private-urls", "127.0.0.0/8")
    with HTTPServer(("127.0.0.1", 0), Avatar) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/avatar.gif"
        record = Client(host.url).draw(uov_method="Upscale (Fast 2x)", uov_input_image=url)
    assert record["task_status"] == "finished"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (heic(), "is a HEIC image, for which Fooocus's Pillow has no decoder; send it as JPEG or PNG (iPhone:"),
        (heic().replace(b"heic", b"mif1", 1), "is a HEIC image"),
        (b"<svg></svg>", f"is not a {ANY} image"),
        (b"RIFF\x24\0\0\0WAVE" + bytes(40), f"is not a {ANY} image"),
        (b"GIF89a", "is a broken gif image"),
        (b"II*\0" + bytes(40), "is a broken tiff image"),
        (image("BMP")[:500], "is a broken bmp image"),
    ],
)
def test_what_can_not_be_read_says_so(client: Client, content: bytes, words: str) -> None:
    answer = upload(client, content, "x")
    assert answer.status_code == 422 and words in answer.json()["errors"][0]["message"], answer.text
    drawn = client.generate(uov_method="Vary (Subtle)", uov_input_image=base64.b64encode(content).decode("ascii"))
    assert drawn.status_code == 422 and words in drawn.json()["detail"]


def test_without_the_plugin_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_formats, "reads_avif", lambda: False)
    with pytest.raises(Unreadable, match="pillow-avif-plugin is not installed; run"):
        decoder_of(b"\0\0\0\x20ftypavif\0\0\0\0avifmif1")


def test_the_schema_names_the_kinds(client: Client) -> None:
    schema = client.get("/v1/openapi.json").json()
    form = schema["paths"]["/inputs"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert ANY in form["schema"]["properties"]["image"]["description"]
    assert {"image/gif", "image/tiff", "image/avif"} <= set(form["encoding"]["image"]["contentType"].split(", "))
