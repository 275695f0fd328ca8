"""Thumbnails and downloads of generated images, over HTTP on a demo host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from fooocus_api.images.thumbnails.sizes import SIZES
from fooocus_api.tests.support.client import Client, picture
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key

WEBP = {"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"}
"""The header of a browser's `<img>`."""
SECRET = "a prompt for one reader alone"


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host() as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    return Client(host.url)


@pytest.fixture(scope="module")
def url(client: Client) -> str:
    """Return the URL of a picture of 512x256 pixels."""
    record = client.draw(prompt=SECRET, overwrite_width=512, overwrite_height=256, output_format="png")
    return str(record["result"][0])


def cached(host: Host) -> list[Path]:
    return [path for path in (host.outputs / ".fooocus_api" / "thumbnails").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("query", "size", "listed"),
    [
        ({"width": 256}, (256, 128), "width=256"),
        ({"width": 1}, (64, 32), "width=64"),
        ({"width": 65}, (128, 64), "width=128"),
        ({"height": 64}, (128, 64), "height=64"),
        ({"height": 100}, (256, 128), "height=128"),
        ({"width": 300, "height": 64}, (128, 64), "width=384&height=64"),
        ({"width": 64, "height": 1024}, (64, 32), "width=64&height=1024"),
        ({"width": 1024}, (512, 256), "width=1024"),
        ({"height": 512}, (512, 256), "height=512"),
    ],
)
def test_a_thumbnail_has_the_next_larger_listed_size(
    client: Client, url: str, query: dict[str, int], size: tuple[int, int], listed: str
) -> None:
    response = client.get(url, params=query)
    assert response.status_code == 200 and picture(response.content).size == size
    name = urlsplit(url).path.rpartition("/")[2]
    assert response.headers["content-location"] == f"{name}?{listed}"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "JPEG"),
        ("image/avif,image/webp,image/*,*/*;q=0.8", "WEBP"),
        ("image/avif,image/webp;q=0,image/*", "JPEG"),
        ("image/webp;q=0.5,image/avif", "WEBP"),
        ("image/png", "PNG"),
        ("image/jpeg", "JPEG"),
        ("image/webp", "WEBP"),
    ],
)
def test_the_format_is_one_that_the_client_accepts(client: Client, url: str, accept: str, kind: str) -> None:
    response = client.get(url, params={"width": 128}, headers={"Accept": accept})
    assert picture(response.content).format == kind
    assert response.headers["content-type"] == f"image/{kind.lower()}" and response.headers["vary"] == "Accept"


@pytest.mark.parametrize("accept", ["image/webp", "image/png", "image/jpeg"])
def test_a_thumbnail_has_no_metadata(client: Client, url: str, accept: str) -> None:
    assert SECRET.encode() in client.get(url).content
    for width in (64, 1024):
        response = client.get(url, params={"width": width}, headers={"Accept": accept})
        assert SECRET.encode() not in response.content
        shown = picture(response.content)
        assert not set(shown.info) & {"exif", "parameters", "fooocus_scheme", "icc_profile", "xmp"}
        assert not dict(shown.getexif())


def test_a_client_that_has_it_gets_no_copy(client: Client, url: str) -> None:
    first = client.get(url, params={"width": 256}, headers=WEBP)
    for method in ("GET", "HEAD"):
        again = client.request(
            method, url, params={"width": 256}, headers={**WEBP, "If-None-Match": first.headers["etag"]}
        )
        assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == first.headers["etag"]
    tags = {first.headers["etag"], client.get(url, headers=WEBP).headers["etag"]}
    tags |= {client.get(url, params={"width": 256}).headers["etag"]}
    tags |= {client.get(url, params={"width": 128}, headers=WEBP).headers["etag"]}
    assert len(tags) == 4 and not any(tag.startswith("W/") for tag in tags)
    assert first.headers["cache-control"] == client.get(url).headers["cache-control"]
    head = client.request("HEAD", url, params={"width": 256}, headers=WEBP)
    assert head.status_code == 200 and head.headers["etag"] == first.headers["etag"] and head.content == b""


def test_a_thumbnail_is_made_once(client: Client, host: Host, url: str) -> None:
    first = client.get(url, params={"width": 384})
    kept = cached(host)
    (file,) = [path for path in kept if path.name in first.headers["etag"]]
    assert file.read_bytes() == first.content
    file.write_bytes(b"what the cache has")
    assert client.get(url, params={"width": 384}).content == b"what the cache has"
    assert sorted(cached(host)) == sorted(kept)


def test_requests_of_all_sizes_leave_a_few_files(client: Client, host: Host) -> None:
    url = client.draw(overwrite_width=512, overwrite_height=256)["result"][0]
    before = set(cached(host))
    for side in range(1, 1025, 31):
        assert client.get(url, params={"width": side}).status_code == 200
        assert client.get(url, params={"height": side, "width": 1025 - side}).status_code == 200
    assert len(set(cached(host)) - before) <= len(SIZES)


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("width=0", "width", "out_of_range"),
        ("width=-1", "width", "out_of_range"),
        ("height=1025", "height", "out_of_range"),
        ("width=1" + "0" * 5000, "width", None),
        ("width=big", "width", "wrong_type"),
        ("width=", "width", "wrong_type"),
        ("width=12.5", "width", "wrong_type"),
        ("width=64&width=128", "width", "duplicate"),
        ("download=1&download=0", "download", "duplicate"),
        ("download=perhaps", "download", "wrong_type"),
    ],
)
def test_other_sizes_are_refused_by_name(client: Client, url: str, query: str, field: str, code: str | None) -> None:
    response = client.get(f"{url}?{query}")
    assert response.status_code == 422, response.text
    (error,) = response.json()["errors"]
    assert error["field"] == field and code in (None, error["code"]), error


def test_a_file_that_is_no_image_is_not_found(client: Client, url: str) -> None:
    assert client.get(f"{url}x", params={"width": 64}).status_code == 404
    day = urlsplit(url).path.rpartition("/")[0]
    assert client.get(f"{day}/log.html", params={"width": 64}).status_code == 404


# ------------------------------------------------------------------------ downloads, deletion


def test_a_download_has_the_name_of_the_file(client: Client, url: str) -> None:
    name = urlsplit(url).path.rpartition("/")[2]
    saved = client.get(url, params={"download": 1})
    assert saved.headers["content-disposition"] == f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    assert saved.content == client.get(url).content
    assert "content-disposition" not in client.get(url).headers
    assert "content-disposition" not in client.get(url, params={"download": "false"}).headers
    stem = name.removesuffix(".png")
    converted = client.get(url, params={"download": 1}, headers={"Accept": "image/jpeg"})
    assert f'filename="{stem}.jpg"' in converted.headers["content-disposition"]
    small = client.get(url, params={"download": "true", "width": 64}, headers=WEBP)
    assert f'filename="{stem}-64x32.webp"' in small.headers["content-disposition"]
    again = client.get(url, params={"download": "true", "width": 64}, headers=WEBP)
    assert again.headers["content-disposition"] == small.headers["content-disposition"]


def test_a_name_in_another_script_arrives_whole(client: Client) -> None:
    url = client.draw(save_name="猫 (1)")["result"][0]
    header = client.get(url, params={"download": 1}).headers["content-disposition"]
    plain, _, encoded = header.partition("; filename*=UTF-8''")
    assert plain.startswith('attachment; filename="_ (1)-') and header.isascii()
    assert unquote(encoded) == unquote(urlsplit(url).path).rpartition("/")[2]


def test_thumbnails_go_with_their_image(client: Client, host: Host) -> None:
    record = client.draw(image_number=2)
    before = set(cached(host))
    for url in record["result"]:
        for accept in ("image/webp", "image/png"):
            assert client.get(url, params={"width": 64}, headers={"Accept": accept}).status_code == 200
    assert len(set(cached(host)) - before) == 4
    assert client.request("DELETE", f"/tasks/{record['task_id']}").status_code == 204
    assert set(cached(host)) == before
    response = client.get(record["result"][0], params={"width": 64})
    assert response.status_code == 404 and response.json()["code"] == "image_not_found"


def test_a_signed_link_takes_the_parameters_and_others_see_nothing() -> None:
    with demo_host() as host:
        ann, bob = add_key(host, "ann"), add_key(host, "bob")
        link = ann.draw()["result"][0]
        assert "signature=" in link
        open_to_all = Client(host.url)
        assert open_to_all.image(f"{link}&width=64&download=1").size == (64, 64)
        assert open_to_all.get(link.replace("expires=", "expires=1") + "&width=64").status_code == 403
        url = link.partition("?")[0]
        assert open_to_all.get(url, params={"width": 64}).status_code == 401
        assert ann.image(url, params={"width": 64}).size == (64, 64)
        for query in ({}, {"width": 64}, {"width": 0}, {"download": 1}):
            refused = bob.get(url, params=query)
            assert refused.status_code in (404, 422) and (query == {"width": 0}) == (refused.status_code == 422)
