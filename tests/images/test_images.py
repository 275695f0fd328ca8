"""Images in requests: references to this server's images, URLs, base64 and data URIs, and the reasons for refusals."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from fastapi import Request

from fooocus_api.api.context import Context
from fooocus_api.api.requests.image_sources import ImageResolver, open_reference
from fooocus_api.api.responses.problems import Problem
from fooocus_api.api.responses.public_urls import PublicUrls
from fooocus_api.images.storage.input_store import MAX_BYTES
from fooocus_api.tests.images.test_inputs import picture
from fooocus_api.tests.support.api_calls.image_sources import OUTPUT, PNG, refusal
from fooocus_api.tests.support.host import free_port


def urls(host: str) -> PublicUrls:
    """Return the URLs for a request to this host, without `--base-url`."""
    scope = {"type": "http", "scheme": "http", "path": "/", "query_string": b"", "client": ("192.168.0.9", 1234)}
    return PublicUrls(Request({**scope, "headers": [(b"host", host.encode())]}), None)


@pytest.mark.parametrize("beginning", ["http://127.0.0.1:9/", "outputs/2026-01-02/", "/inputs/"])
def test_no_url_is_as_long_as_a_body(context: Context, beginning: str) -> None:
    assert "longer than 8000 characters" in refusal(context, beginning + "%41" * 3000)


# ------------------------------------------------------------------- without an image


@pytest.mark.parametrize("text", [None, "", "  ", "None", "none", "NONE", " None\n"])
def test_no_image(context: Context, text: str | None) -> None:
    assert ImageResolver(context).resolve("uov_input_image", text) is None


# ---------------------------------------------------------------- base64 in all its forms

ENCODED = base64.b64encode(PNG).decode()
LINES = "\r\n".join(ENCODED[at : at + 76] for at in range(0, len(ENCODED), 76))
PLUS = base64.b64encode(picture("WEBP", lossless=True, exif=b"\xfb\xef\xbe\xff\xff\xfe")).decode()


@pytest.mark.parametrize(
    "text",
    [
        ENCODED,
        ENCODED.rstrip("="),
        ENCODED.rstrip("=") + "====",
        LINES + "\n",
        "data:image/png;base64," + ENCODED,
        "DATA:image/jpeg;name=x.png;BASE64, " + LINES,
        "data:image/png;base64," + quote(ENCODED, safe=""),
        "data:image/png," + quote(PNG),
    ],
)
def test_base64_and_data_uris(context: Context, text: str) -> None:
    resolver = ImageResolver(context)
    reference = resolver.resolve("uov_input_image", text)
    assert reference == f"inputs/{context.inputs.named(PNG)[0]}"
    with pytest.raises(Problem):
        open_reference(context, reference)  # only after the request is accepted
    resolver.hold()
    assert open_reference(context, reference).read_bytes() == PNG


def test_both_alphabets_of_base64(context: Context) -> None:
    assert "+" in PLUS and "/" in PLUS
    safe = PLUS.replace("+", "-").replace("/", "_")
    found = {ImageResolver(context).resolve("uov_input_image", text) for text in (PLUS, safe, safe.rstrip("="))}
    assert len(found) == 1 and None not in found


def test_several_images_are_kept_at_once(context: Context) -> None:
    resolver = ImageResolver(context)
    texts = [base64.b64encode(picture(colour=(shade, 0, 0))).decode() for shade in (1, 2, 1)]
    references = [resolver.resolve("x", text) for text in texts]
    resolver.hold()
    assert references[0] == references[2] != references[1]
    assert {str(open_reference(context, reference or "").name) for reference in references} == {
        path.name for path in (context.host.output_folders()[0].parent / "inputs").iterdir()
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not an image!", "'not an image!' is not an image; send an http(s) URL, base64, a data URI"),
        ("x.png", "'x.png' is not an image"),
        ("ünïcode", "is not an image"),
        ("A" * 4001, "is not an image"),  # no base64 has such a length
        ("ftp://example.com/x.png", "'ftp://example.com/x.png' is not an image"),
        ("file:///etc/passwd", "is not an image"),
        ("http://[::1/x.png", "is not a URL"),
        ("http://", "is not an http or https URL"),
        ("cats", "the base64 data is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
        (
            base64.b64encode(picture("ICO")).decode(),
            "the base64 data is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image",
        ),
        (base64.b64encode(PNG[:60]).decode(), "the base64 data is a broken png image"),
        ("data:image/png;base64", "the data URI has no comma"),
        ("data:image/png;base64,", "the data URI is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
        ("data:text/html,<html>", "the data URI is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
        ("A" * (MAX_BYTES // 3 * 4 + 8), "the base64 data is larger than 50 MiB"),
        ("data:image/png," + "A" * (MAX_BYTES + 1), "the data URI is larger than 50 MiB"),
    ],
    ids=lambda text: text[:30],
)
def test_refused(context: Context, text: str, message: str) -> None:
    assert message in refusal(context, text)
    assert len(refusal(context, text)) < 400


# ------------------------------------------------------------ of this server


@pytest.mark.parametrize(
    "text",
    [
        OUTPUT,
        f"/{OUTPUT}",
        f"/{OUTPUT}?v=1",
        f"http://fooocus.lan:7865/{OUTPUT}",
        f"http://FOOOCUS.lan:7865/{OUTPUT}#top",
        f"https://fooocus.lan:7865/behind/a/proxy/{OUTPUT}",
        f"https://pictures.example/draw/{OUTPUT}",
        f"https://pictures.example:443/draw/{OUTPUT}",
        f"http://other.name:1234/{OUTPUT}",
    ],
)
def test_an_output_is_read_from_disk(context: Context, text: str) -> None:
    """Resolve without HTTP: none of these hosts exists."""
    resolver = ImageResolver(context, host="other.name:1234")
    assert resolver.resolve("uov_input_image", text, urls("fooocus.lan:7865")) == OUTPUT
    assert open_reference(context, OUTPUT).read_bytes() == PNG


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
@pytest.mark.parametrize("asked", ["127.0.0.1", "localhost"])
def test_all_names_of_this_machine_are_one(context: Context, host: str, asked: str) -> None:
    port = free_port()
    found = ImageResolver(context).resolve("x", f"http://{host}:{port}/{OUTPUT}", urls(f"{asked}:{port}"))
    assert found == OUTPUT


def test_an_input_is_read_from_disk_whoever_serves_it(context: Context) -> None:
    name = context.inputs.add(PNG)
    for text in (name, f"inputs/{name}", f"/inputs/{name}", f"http://127.0.0.1:{free_port()}/inputs/{name}"):
        assert ImageResolver(context).resolve("uov_input_image", text) == f"inputs/{name}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("outputs/2026-01-02/none.png", "image outputs/2026-01-02/none.png does not exist"),
        (
            "https://pictures.example/draw/outputs/2026-01-02/none.png",
            "image outputs/2026-01-02/none.png does not exist",
        ),
        (f"https://pictures.example/inputs/{'0' * 64}.png", f"image inputs/{'0' * 64}.png does not exist"),
        (f"{'0' * 64}.png", f"image inputs/{'0' * 64}.png does not exist"),
        ("outputs/2026-01-02/log.html", "does not exist"),
        ("outputs/2026-01-02/broken.png", "outputs/2026-01-02/broken.png is a broken png image"),
        ("outputs/2026-01-02", "does not exist"),
        ("outputs/../secret.png", "does not exist"),
        ("outputs/2026-01-02/../../secret.png", "does not exist"),
        ("/outputs/..%2F..%2Fsecret.png", "does not exist"),
        ("inputs/../secret.png", "does not exist"),
        ("outputs/2026-01-02/%00.png", "does not exist"),
    ],
)
def test_no_image_of_this_server(context: Context, text: str, message: str) -> None:
    (context.host.output_folders()[0].parent / "secret.png").write_bytes(PNG)
    assert message in refusal(context, text)
