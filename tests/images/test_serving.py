"""HTTP caching of images: ETags, conditional requests, ranges and Cache-Control."""

from __future__ import annotations

import io
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from fooocus_api.tests.support.client import Client, picture
from fooocus_api.tests.support.host import Host

FOREVER = "private, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def output(client: Client) -> str:
    return str(client.draw(output_format="png")["result"][0])


@pytest.fixture(scope="module")
def uploaded(client: Client, output: str) -> str:
    return str(client.post("/inputs", files={"image": client.get(output).content}).json()["url"])


@pytest.fixture(params=["output", "uploaded"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a result, then that of an uploaded image."""
    return str(request.getfixturevalue(request.param))


def test_an_image_comes_with_all_that_caches_need(client: Client, url: str) -> None:
    response = client.get(url)
    assert response.headers["cache-control"] == FOREVER
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["vary"] == "Accept" and response.headers["accept-ranges"] == "bytes"
    assert response.headers["etag"].startswith('"') and parsedate_to_datetime(response.headers["last-modified"])
    assert int(response.headers["content-length"]) == len(response.content)


def test_a_name_that_may_come_again_is_asked_for_again(client: Client) -> None:
    named = client.draw(save_name="poster")
    response = client.get(named["result"][0])
    assert response.headers["cache-control"] == "private, no-cache"
    client.request("DELETE", f"/tasks/{named['task_id']}")
    other = client.draw(save_name="poster", prompt="another")
    assert other["result"] == named["result"]
    tag = {"If-None-Match": response.headers["etag"]}
    assert client.get(other["result"][0], headers=tag).status_code == 200


@pytest.mark.parametrize("tag", ["{}", "W/{}", '"x", {}', '"x",W/{} , "y"', "*"])
def test_not_sent_again_when_it_is_known(client: Client, url: str, tag: str) -> None:
    first = client.get(url)
    known = {"If-None-Match": tag.format(first.headers["etag"]), "If-Modified-Since": formatdate(0, usegmt=True)}
    for method in ("GET", "HEAD"):
        response = client.request(method, url, headers=known)
        assert response.status_code == 304 and response.content == b""
        assert "content-length" not in response.headers and "content-type" not in response.headers
        for name in ("etag", "cache-control", "vary", "last-modified"):
            assert response.headers[name] == first.headers[name]


@pytest.mark.parametrize("tag", ['"x"', "x", '""', "W/"])
def test_sent_when_another_is_known(client: Client, url: str, tag: str) -> None:
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 200


def test_by_time_as_well(client: Client, url: str) -> None:
    modified = client.get(url).headers["last-modified"]
    assert client.get(url, headers={"If-Modified-Since": modified}).status_code == 304
    for other in (
        formatdate(0, usegmt=True),
        "yesterday",
        "Mon, 99 Jan 2026 00:00:00 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00",
    ):
        assert client.get(url, headers={"If-Modified-Since": other}).status_code == 200, other


def test_each_form_has_its_tag(client: Client, url: str) -> None:
    tags = {}
    for kind in ("png", "jpeg", "webp"):
        accept = {"Accept": f"image/{kind}"}
        first = client.get(url, headers=accept)
        assert first.headers["content-type"] == f"image/{kind}" and first.headers["vary"] == "Accept"
        assert first.headers["cache-control"] == FOREVER and first.headers["x-content-type-options"] == "nosniff"
        picture(first.content)
        tags[kind] = first.headers["etag"]
        assert client.get(url, headers={**accept, "If-None-Match": tags[kind]}).status_code == 304
        head = client.request("HEAD", url, headers=accept)
        assert head.content == b"" and head.headers["content-type"] == f"image/{kind}"
    assert len(set(tags.values())) == 3
    assert client.get(url, headers={"Accept": "image/webp", "If-None-Match": tags["png"]}).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=5-5", 5, 6),
        ("Bytes= 3-", 3, None),
        ("bytes=-7", -7, None),
        ("bytes=2-99999999999", 2, None),
        ("bytes=-99999999999", 0, None),
    ],
)
def test_a_part_of_it(client: Client, url: str, wanted: str, start: int, end: int | None) -> None:
    whole = client.get(url).content
    expected = whole[start:end]
    first = whole.index(expected) if start >= 0 else len(whole) + start
    for method in ("GET", "HEAD"):
        response = client.request(method, url, headers={"Range": wanted})
        assert response.status_code == 206
        assert response.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(whole)}"
        assert response.headers["content-length"] == str(len(expected))
        assert response.content == (expected if method == "GET" else b"")


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=-0", "bytes=99999999-999999999"])
def test_beyond_its_end(client: Client, url: str, wanted: str) -> None:
    response = client.get(url, headers={"Range": wanted})
    size = len(client.get(url).content)
    assert response.status_code == 416 and response.headers["content-range"] == f"bytes */{size}"
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "wanted",
    ["bytes=9-3", "bytes=x", "bytes=", "lines=1-2", "bytes=1-2,5-6", "bytes=--1", "bytes", "bytes=1-2-3", "bytes=1e3-"],
)
def test_a_range_that_cannot_be_read_gives_all_of_it(client: Client, url: str, wanted: str) -> None:
    response = client.get(url, headers={"Range": wanted})
    assert response.status_code == 200 and response.content == client.get(url).content


def test_a_part_of_what_the_client_knows_only(client: Client, url: str) -> None:
    first = client.get(url)
    wanted = {"Range": "bytes=0-9"}
    for condition in (first.headers["etag"], first.headers["last-modified"]):
        assert client.get(url, headers={**wanted, "If-Range": condition}).status_code == 206
    for condition in ('"x"', formatdate(0, usegmt=True)):
        assert client.get(url, headers={**wanted, "If-Range": condition}).status_code == 200


def test_head_is_as_get_without_the_body(client: Client, url: str) -> None:
    head, get = client.request("HEAD", url), client.get(url)
    assert head.status_code == 200 and head.content == b""
    for name in ("content-length", "content-type", "etag", "last-modified", "cache-control", "vary"):
        assert head.headers[name] == get.headers[name]
    assert client.request("HEAD", f"{url}x").status_code == 404


def test_an_image_that_has_gone(client: Client, demo: Host) -> None:
    url = client.draw()["result"][0]
    (demo.outputs / urlsplit(url).path.removeprefix("/outputs/")).unlink()
    assert client.get(url, headers={"If-None-Match": "*"}).status_code == 410


def test_what_is_converted_is_the_same_picture(client: Client, url: str) -> None:
    size = picture(client.get(url).content).size
    assert picture(io.BytesIO(client.get(url, headers={"Accept": "image/jpeg"}).content).read()).size == size
