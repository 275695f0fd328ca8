"""Thumbnails and downloads of generated images, over HTTP on a demo host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image as PILImage
from PIL import ImageCms

from fooocus_api.images.thumbnails.sizes import SIZES
from fooocus_api.tests.support.client import Client, picture
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key

WEBP = {"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"}
"""As a browser's `<img>` sends it."""
SECRET = "a prompt that nobody else reads"


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


def put(host: Host, name: str, image: PILImage.Image, **options: Any) -> str:
    """Write an image into the outputs, and return the path of its URL."""
    folder = host.outputs / "2026-01-31"
    folder.mkdir(exist_ok=True)
    image.save(folder / name, **options)
    return f"/outputs/2026-01-31/{name}"


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


def test_a_file_that_is_no_image_is_refused(client: Client, host: Host, url: str) -> None:
    assert client.get(f"{url}x", params={"width": 64}).status_code == 404
    day = urlsplit(url).path.rpartition("/")[0]
    assert client.get(f"{day}/log.html", params={"width": 64}).status_code == 404
    path = put(host, "broken.png", PILImage.new("RGB", (300, 300)))
    file = host.outputs / path.removeprefix("/outputs/")
    for size in (60, 10, 0):
        file.write_bytes(file.read_bytes()[:size])
        response = client.get(path, params={"height": 64})
        assert response.status_code == 422, response.text
        assert [(one["field"], one["code"]) for one in response.json()["errors"]] == [("height", "unreadable_image")]


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(client: Client, host: Host) -> None:
    path = put(host, "huge.png", PILImage.new("1", (65_000, 5_000)))
    response = client.get(path, params={"width": 64})
    assert response.status_code == 422 and "256 million" in response.json()["detail"]


# ----------------------------------------------------------------------------- any picture


def test_a_turned_photo_is_upright(client: Client, host: Host) -> None:
    photo = PILImage.new("RGB", (400, 200), "red")
    photo.paste("blue", (0, 0, 200, 200))
    exif = PILImage.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    for name in ("turned.jpg", "turned.png", "turned.webp"):
        path = put(host, name, photo, exif=exif.tobytes())
        shown = client.image(path, params={"width": 64})
        assert shown.size == (64, 128)
        colours: Any = [shown.convert("RGB").getpixel((32, row)) for row in (16, 112)]
        (top_red, _, top_blue), (red, _, blue) = colours
        assert top_blue > 200 > top_red and red > 200 > blue, (name, colours)
        assert not dict(shown.getexif())


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_stays_so(client: Client, host: Host, mode: str) -> None:
    image = PILImage.new("RGBA", (200, 100), (255, 255, 255, 0))
    image.paste((0, 0, 0, 255), (0, 0, 100, 100))
    options: dict[str, Any] = {}
    if mode == "P":
        palette = PILImage.new("P", (200, 100), 1)
        palette.putpalette([0, 0, 0, 255, 255, 255])
        palette.paste(0, (0, 0, 100, 100))
        image, options = palette, {"transparency": 1}
    elif mode == "LA":
        image = image.convert("LA")
    path = put(host, f"transparent-{mode}.png", image, **options)
    for accept, kind in (("*/*", "PNG"), ("image/webp,*/*", "WEBP"), ("image/jpeg", "JPEG")):
        shown = client.image(path, params={"width": 64}, headers={"Accept": accept})
        assert (shown.format, shown.size) == (kind, (64, 32))
        pixel: Any = shown.convert("RGBA").getpixel((60, 16))
        assert pixel[3] == 0 if kind != "JPEG" else min(pixel) > 250
        solid: Any = shown.convert("RGBA").getpixel((4, 16))
        assert max(solid[:3]) < 10 and solid[3] == 255


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "CMYK"])
def test_other_modes_become_colours(client: Client, host: Host, mode: str) -> None:
    grey = PILImage.linear_gradient("L").resize((300, 300))
    image = PILImage.new("I;16", (300, 300), 32_768) if mode == "I;16" else grey.convert(mode)
    name = f"mode-{mode.replace(';', '-')}.{'jpg' if mode == 'CMYK' else 'png'}"
    shown = client.image(put(host, name, image), params={"width": 64})
    assert (shown.mode, shown.size) == ("RGB", (64, 64))
    if mode == "I;16":
        middle: Any = shown.getpixel((32, 32))
        assert all(120 < value < 136 for value in middle)


def test_an_animation_shows_its_first_frame(client: Client, host: Host) -> None:
    frames = [PILImage.new("RGB", (200, 200), colour) for colour in ("red", "blue", "green")]
    path = put(host, "moving.webp", frames[0], save_all=True, append_images=frames[1:])
    shown = client.image(path, params={"width": 64}, headers=WEBP)
    colour: Any = shown.convert("RGB").getpixel((32, 32))
    assert getattr(shown, "n_frames", 1) == 1 and colour[0] > 200 and colour[2] < 60


def test_a_colour_profile_is_applied_and_left_out(client: Client, host: Host) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = PILImage.new("RGB", (200, 200), (200, 100, 50))
    for name, content in (("srgb.png", profile), ("broken-profile.png", b"no profile")):
        response = client.get(put(host, name, image, icc_profile=content), params={"width": 64})
        shown = picture(response.content)
        colour: Any = shown.getpixel((32, 32))
        assert all(abs(value - meant) < 8 for value, meant in zip(colour, (200, 100, 50), strict=True))
        assert "icc_profile" not in shown.info


def test_a_narrow_picture_keeps_a_pixel(client: Client, host: Host) -> None:
    assert client.image(put(host, "wide.png", PILImage.new("L", (5000, 2))), params={"width": 64}).size == (64, 1)
    tall = client.image(put(host, "tall.png", PILImage.new("L", (60, 20_000))), params={"width": 64}, headers=WEBP)
    assert tall.height == 4096


def test_a_replaced_picture_has_another_thumbnail(client: Client, host: Host) -> None:
    path = put(host, "replaced.png", PILImage.new("RGB", (200, 200), "red"))
    first = client.get(path, params={"width": 64})
    assert first.headers["cache-control"] == "private, no-cache"
    put(host, "replaced.png", PILImage.effect_mandelbrot((300, 300), (-2, -2, 2, 2), 50))
    second = client.get(path, params={"width": 64}, headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200 and second.content != first.content


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
