"""Thumbnails of pictures of every kind that may lie in the outputs, over HTTP on a demo host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image as PILImage
from PIL import ImageCms

from fooocus_api.tests.support.client import Client, picture
from fooocus_api.tests.support.host import Host, demo_host

WEBP = {"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"}
"""The header of a browser's `<img>`."""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host() as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    return Client(host.url)


def put(host: Host, name: str, image: PILImage.Image, **options: Any) -> str:
    """Write an image into the outputs, and return the path of its URL."""
    folder = host.outputs / "2026-01-31"
    folder.mkdir(exist_ok=True)
    image.save(folder / name, **options)
    return f"/outputs/2026-01-31/{name}"


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


def test_a_broken_image_is_refused(client: Client, host: Host) -> None:
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
