"""Views of generated images and their signed URLs, over HTTP on demo hosts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from fooocus_api.api.responses.public_urls import PublicUrls
from fooocus_api.auth.signed_urls import InvalidSignature, UrlSigner
from fooocus_api.tests.support.client import Client, picture
from fooocus_api.tests.support.host import ROOT, Host, demo_host
from fooocus_api.tests.support.keys import add_key
from fooocus_api.tests.support.sources.page_examples import examples_of

PAGES_IMAGE = "http://127.0.0.1:7865/outputs/2026-01-31/cat-0.png"


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host() as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    return Client(host.url)


@pytest.fixture(scope="module")
def url(client: Client) -> str:
    """Return the URL of a picture of 512x256 pixels with A1111's parameters."""
    fields: dict[str, Any] = {"save_metadata_to_images": True, "metadata_scheme": "a1111", "output_format": "png"}
    record = client.draw(prompt="a cat", overwrite_width=512, overwrite_height=256, **fields)
    return str(record["result"][0])


def cached(host: Host) -> set[Path]:
    return {path for path in (host.outputs / ".fooocus_api" / "thumbnails").rglob("*") if path.is_file()}


@pytest.mark.parametrize("size", [(256, 256), (100, 30), (1, 1), (600, 300), (512, 256), (1, 4096)])
def test_a_view_has_the_size_and_the_metadata(client: Client, url: str, size: tuple[int, int]) -> None:
    response = client.get(url, params={"size": f"{size[0]}x{size[1]}"})
    shown: Any = picture(response.content)
    assert (shown.size, shown.format, response.headers["content-type"]) == (size, "PNG", "image/png")
    assert f", Size: {size[0]}x{size[1]}," in shown.text["parameters"] and shown.text["fooocus_scheme"] == "a1111"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_format_is_the_one_that_accept_requires(client: Client, url: str, kind: str) -> None:
    for size in ("64x64", "512x256"):
        response = client.get(url, params={"size": size}, headers={"Accept": f"image/{kind}"})
        assert response.headers["content-type"] == f"image/{kind}" and response.headers["vary"] == "Accept"
        assert picture(response.content).format == kind.upper() and b"Steps: " in response.content
    page = {"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"}
    assert client.image(url, params={"size": "64x64"}, headers=page).format == "PNG"


def test_a_view_of_the_own_size_is_the_file(client: Client, host: Host, url: str) -> None:
    before = cached(host)
    response = client.get(url, params={"size": "512x256", "download": 1})
    assert response.content == client.get(url).content and cached(host) == before
    assert "-512x256.png" in response.headers["content-disposition"]


def test_a_client_that_has_it_gets_no_copy(client: Client, url: str) -> None:
    query = {"size": "128x128"}
    first = client.get(url, params=query)
    for method in ("GET", "HEAD"):
        again = client.request(method, url, params=query, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == first.headers["etag"]
    head = client.request("HEAD", url, params=query)
    assert head.status_code == 200 and head.content == b"" and head.headers["etag"] == first.headers["etag"]
    assert head.headers["content-length"] == str(len(first.content))
    others = [{"size": "128x129"}, {"width": 128}, {}]
    tags = {first.headers["etag"], *(client.get(url, params=other).headers["etag"] for other in others)}
    tags.add(client.get(url, params=query, headers={"Accept": "image/webp"}).headers["etag"])
    assert len(tags) == 5 and first.headers["cache-control"] == client.get(url).headers["cache-control"]


def test_a_view_is_made_once(client: Client, host: Host, url: str) -> None:
    first = client.get(url, params={"size": "90x60"})
    kept = cached(host)
    (file,) = [path for path in kept if path.name in first.headers["etag"]]
    file.write_bytes(b"what the cache has")
    assert client.get(url, params={"size": "90x60"}).content == b"what the cache has" and cached(host) == kept


def test_a_download_has_its_name(client: Client, url: str) -> None:
    stem = unquote(urlsplit(url).path).rpartition("/")[2].removesuffix(".png")
    saved = client.get(url, params={"size": "64x60", "download": 1}, headers={"Accept": "image/jpeg"})
    assert f'filename="{stem}-64x60.jpg"' in saved.headers["content-disposition"]
    assert "content-disposition" not in client.get(url, params={"size": "64x60"}).headers


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("size=", "invalid_format"),
        ("size=512", "invalid_format"),
        ("size=512*512", "invalid_format"),
        ("size=512x512x512", "invalid_format"),
        ("size=-1x512", "invalid_format"),
        ("size=1x" + "0" * 5000, "invalid_format"),
        ("size=0x512", "out_of_range"),
        ("size=512x4097", "out_of_range"),
        ("size=99999x1", "out_of_range"),
        ("size=64x64&size=64x64", "duplicate"),
        ("size=64x64&width=64", "conflict"),
        ("size=64x64&height=64", "conflict"),
    ],
)
def test_other_sizes_are_refused_by_name(client: Client, url: str, query: str, code: str) -> None:
    response = client.get(f"{url}?{query}")
    assert response.status_code == 422, response.text
    assert [(one["field"], one["code"]) for one in response.json()["errors"]] == [("size", code)]


def test_views_go_with_their_image(client: Client, host: Host) -> None:
    record = client.draw()
    before = cached(host)
    for size in ("64x64", "64x65"):
        assert client.get(record["result"][0], params={"size": size}).status_code == 200
    assert len(cached(host) - before) == 2
    assert client.request("DELETE", f"/tasks/{record['task_id']}").status_code == 204
    assert cached(host) == before
    assert client.get(record["result"][0], params={"size": "64x64"}).json()["code"] == "image_not_found"


def test_a_broken_image_is_refused(client: Client, host: Host) -> None:
    folder = host.outputs / "2026-01-31"
    folder.mkdir(exist_ok=True)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"no chunk")
    response = client.get("/outputs/2026-01-31/broken.png", params={"size": "64x64"})
    assert response.status_code == 422
    assert [(one["field"], one["code"]) for one in response.json()["errors"]] == [("size", "unreadable_image")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("page", ["thumbnails.md", "thumbnails_zh.md"])
def test_the_commands_of_the_page_run(client: Client, url: str, tmp_path: Path, page: str) -> None:
    examples = [one for one in examples_of(ROOT / "docs" / page) if one.marker]
    commands = [command.replace(PAGES_IMAGE, url) for example in examples for command in example.commands]
    for command in commands:
        assert url in command
        subprocess.run(f"{command} --fail -s", shell=True, check=True, cwd=tmp_path)
    small, square = (picture((tmp_path / name).read_bytes()) for name in ("small.webp", "square.png"))
    assert (small.format, small.size) == ("WEBP", (256, 128)) and (square.format, square.size) == ("PNG", (512, 512))


# ------------------------------------------------------------------------ signed URLs


def test_a_signed_url_opens_the_view_that_it_names_and_no_other() -> None:
    with demo_host() as host:
        ann, bob, open_to_all = add_key(host, "ann"), add_key(host, "bob"), Client(host.url)
        link = ann.draw()["result"][0]
        relative = unquote(urlsplit(link).path).removeprefix("/outputs/")
        signer = UrlSigner((host.outputs / ".fooocus_api" / "link_secret").read_bytes(), 3600, lambda: True)
        view = PublicUrls(None, host.url, signer).output(relative, (80, 60))
        assert view.startswith(f"{link.partition('?')[0]}?size=80x60&expires=")
        assert open_to_all.image(view).size == (80, 60) and open_to_all.image(f"{view}&download=1").size == (80, 60)
        assert open_to_all.image(f"{link}&width=64").size == (64, 64)
        for wrong in (
            f"{link}&size=80x60",
            f"{link}&size=",
            view.replace("size=80x60", "size=81x60"),
            view.replace("size=80x60&", ""),
            f"{view}&size=81x60",
            f"{view.replace('size=80x60', 'size=81x60')}&size=80x61",
        ):
            refused = open_to_all.get(wrong)
            assert (refused.status_code, refused.json()["code"]) == (403, "invalid_signature"), wrong
        assert open_to_all.get(view.replace("?", "?size=1x1&")).status_code == 422  # given twice
        assert ann.image(f"{link}&size=90x60").size == (90, 60)
        assert ann.image(link.partition("?")[0], params={"size": "90x60"}).size == (90, 60)
        assert bob.get(link.partition("?")[0], params={"size": "90x60"}).status_code == 404


def test_urls_of_views_need_no_signature_without_keys() -> None:
    signer = UrlSigner(b"s" * 32, 3600, lambda: False)
    urls = PublicUrls(None, "http://host", signer)
    assert urls.output("2026-01-31/ä.png", (512, 768)) == "http://host/outputs/2026-01-31/%C3%A4.png?size=512x768"
    assert urls.output("2026-01-31/a.png") == "http://host/outputs/2026-01-31/a.png"


def test_a_signature_covers_the_size() -> None:
    signer = UrlSigner(b"s" * 32, 3600, lambda: True)
    signed = {name: values[0] for name, values in parse_qs(signer.query("outputs/a.png", "5x6")[1:]).items()}
    assert signed["size"] == "5x6" and signer.verify("outputs/a.png", signed)
    for other in ({**signed, "size": "5x7"}, {name: signed[name] for name in ("expires", "signature")}):
        with pytest.raises(InvalidSignature, match="invalid"):
            signer.verify("outputs/a.png", other)
