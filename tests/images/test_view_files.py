"""Files of views: their pixels, formats and metadata, for images of every kind that may lie in the outputs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage
from PIL.PngImagePlugin import PngInfo

from fooocus_api.images.codecs.embedded_parameters import EmbeddedParameters, read_parameters
from fooocus_api.images.renditions.disk_cache import DiskCache
from fooocus_api.images.renditions.renditions import Rendition, Renditions, TooManyRenditions
from fooocus_api.images.renditions.source import NoRendition, Source
from fooocus_api.images.thumbnails.sizes import Box
from fooocus_api.images.thumbnails.thumbnails import Thumbnail
from fooocus_api.images.views.carried_metadata import with_size
from fooocus_api.images.views.sizes import MAX_SIDE, PATTERN, ViewSize
from fooocus_api.images.views.views import View
from fooocus_api.tests.support.client import picture

A1111 = """a cat, Size: 1x1, Steps: 3
Negative prompt: ugly
Steps: 30, Sampler: DPM++ 2M SDE, Seed: 5, Size: 1024x1024, CFG scale: 4.0, Raw prompt: "Size: 1024x1024", Version: 1"""
SCHEME = '{"prompt": "猫", "resolution": "(1024, 1024)", "steps": 30}'


def source(folder: Path, image: PILImage.Image, name: str = "a.png", **options: Any) -> Source:
    image.save(folder / name, **options)
    return Source.read(folder / name, name)


def made(view: View) -> PILImage.Image:
    return picture(Renditions().make(view).result(60))


def halves(size: tuple[int, int]) -> PILImage.Image:
    """Return an image whose left half is blue and whose right half is red."""
    image = PILImage.new("RGB", size, "red")
    image.paste("blue", (0, 0, size[0] // 2, size[1]))
    return image


@pytest.mark.parametrize("size", [(512, 512), (64, 1), (1, 64), (500, 333), (1024, 1024), (1200, 50), (1, 1)])
@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_a_view_has_exactly_the_size(tmp_path: Path, size: tuple[int, int], image_format: str) -> None:
    shown = made(View(source(tmp_path, halves((1024, 768))), size, image_format))
    assert (shown.size, shown.format) == (size, image_format)


def test_the_centre_is_shown(tmp_path: Path) -> None:
    image = PILImage.new("RGB", (400, 100), "white")
    image.paste("red", (135, 0, 265, 100))  # scaling uses some pixels around the part
    shown = made(View(source(tmp_path, image), (50, 50), "PNG"))
    assert shown.getcolors() == [(2500, (255, 0, 0))]


def test_an_overhang_is_cut_off_without_scaling(tmp_path: Path) -> None:
    image = PILImage.effect_noise((100, 108), 80).convert("RGB")
    shown = made(View(source(tmp_path, image), (97, 101), "PNG"))
    assert shown.tobytes() == image.crop((1, 3, 98, 104)).tobytes()


def test_the_image_itself_is_unchanged(tmp_path: Path) -> None:
    image = source(tmp_path, halves((64, 64)), "a.jpg", quality=50)
    content = image.path.read_bytes()
    view = View(image, (64, 64), "JPEG")
    assert view.is_the_file and Renditions().make(view).result(60) == content
    other = View(image, (64, 64), "JPEG", quality=20)
    assert not other.is_the_file and Renditions().make(other).result(60) != content


def test_the_quality_has_an_effect(tmp_path: Path) -> None:
    image = source(tmp_path, PILImage.effect_noise((200, 200), 80).convert("RGB"))
    for image_format in ("JPEG", "WEBP"):
        lengths = [
            len(Renditions().make(View(image, (100, 100), image_format, quality)).result(60))
            for quality in (1, 50, None, 100)
        ]
        assert lengths == sorted(set(lengths))
    names = {View(image, (100, 100), "WEBP", quality).name for quality in (1, 95, None, 100)}
    assert len(names) == 3


@pytest.mark.parametrize(("size", "quality"), [((0, 1), 1), ((1, 4097), 1), ((1, 1), 0), ((1, 1), 101)])
def test_limits_hold(tmp_path: Path, size: tuple[int, int], quality: int) -> None:
    image = source(tmp_path, halves((64, 64)))
    with pytest.raises(ValueError, match="is not 1 to"):
        View(image, size, "JPEG", quality)


def test_a_turned_photo_is_upright(tmp_path: Path) -> None:
    exif = PILImage.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"  # to be turned by 90° clockwise
    for name in ("turned.jpg", "turned.png", "turned.webp"):
        image = source(tmp_path, halves((400, 200)), name, exif=exif.tobytes())
        assert image.size == (200, 400) and not image.is_upright
        shown = made(View(image, (50, 100), image.image_format))
        colours: Any = [shown.convert("RGB").getpixel((25, row)) for row in (10, 90)]
        assert colours[0][2] > 200 > colours[0][0] and colours[1][0] > 200 > colours[1][2], (name, colours)
        assert dict(shown.getexif()) == {0x010F: "Camera"}
        assert made(View(image, (200, 400), image.image_format)).size == (200, 400)


def test_what_is_transparent_stays_so(tmp_path: Path) -> None:
    image = PILImage.new("RGBA", (200, 100), (255, 255, 255, 0))
    image.paste((0, 0, 0, 255), (0, 0, 100, 100))
    for image_format in ("PNG", "WEBP", "JPEG"):
        shown = made(View(source(tmp_path, image), (80, 40), image_format)).convert("RGBA")
        pixel: Any = shown.getpixel((70, 20))
        assert min(pixel) > 250 if image_format == "JPEG" else pixel[3] == 0


def test_texts_of_a_png_are_carried_over(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", A1111)
    info.add_text("fooocus_scheme", "a1111")
    info.add_itxt("Comment", "猫 by the lake")
    info.add_text("long", "x" * 10_000, zip=True)
    image = source(tmp_path, halves((1024, 1024)), pnginfo=info)
    shown: Any = made(View(image, (512, 768), "PNG"))
    assert shown.text == {
        "parameters": A1111.replace("5, Size: 1024x1024", "5, Size: 512x768"),
        "fooocus_scheme": "a1111",
        "Comment": "猫 by the lake",
        "long": "x" * 10_000,
    }


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("own", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(("text", "scheme"), [(A1111, "a1111"), (SCHEME, "fooocus")])
def test_parameters_are_carried_over_into_every_format(
    tmp_path: Path, own: str, form: str, text: str, scheme: str
) -> None:
    options = EmbeddedParameters(text, scheme, "Fooocus v2.5.5").save_options(own)
    image = source(tmp_path, halves((1024, 1024)), f"a.{own.lower()}", format=own, **options)
    content = Renditions().make(View(image, (512, 768), form)).result(60)
    carried = read_parameters(content)
    assert carried is not None
    written = SCHEME if scheme == "fooocus" else A1111.replace("5, Size: 1024x1024", "5, Size: 512x768")
    assert (carried.text.rstrip("\0"), carried.scheme.rstrip("\0")) == (written, scheme)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Steps: 1, Size: 2x2", "Steps: 1, Size: 5x6"),
        (
            "a\nSteps: 1, Size: 2x2, Seed: 3\nTemplate: Size: 2x2",
            "a\nSteps: 1, Size: 5x6, Seed: 3\nTemplate: Size: 2x2",
        ),
        ("a cat, Size: 2x2", "a cat, Size: 2x2"),
        ("Steps: 1, Hires Size: 2x2", "Steps: 1, Hires Size: 2x2"),
        ('{"a": "\\nSteps: 1, Size: 2x2"}', '{"a": "\\nSteps: 1, Size: 2x2"}'),
        ("", ""),
    ],
)
def test_the_size_is_corrected_in_the_line_of_parameters_alone(text: str, expected: str) -> None:
    assert with_size(text, (5, 6)) == expected


def test_metadata_that_cannot_be_read_costs_the_metadata_alone(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.webp", "a.png"):
        image = source(tmp_path, halves((100, 100)), name, exif=b"Exif\0\0no directory of tags")
        assert made(View(image, (50, 50), image.image_format)).size == (50, 50)


def test_broken_and_huge_images_have_no_view(tmp_path: Path) -> None:
    image = source(tmp_path, PILImage.effect_noise((300, 300), 80))
    image.path.write_bytes(image.path.read_bytes()[:5000])
    with pytest.raises(NoRendition, match="broken"):
        Renditions().make(View(image, (50, 50), "PNG")).result(60)
    huge = Source(image.path, "a.png", (65_000, 5_000), has_alpha=False, version="1")
    with pytest.raises(NoRendition, match="256 million"):
        Renditions().make(View(huge, (50, 50), "PNG")).result(60)


def test_views_and_thumbnails_share_the_cache_and_go_together(tmp_path: Path) -> None:
    renditions = Renditions(DiskCache(tmp_path / "cache"))
    image, other = (source(tmp_path, halves((200, 200)), name) for name in ("a.png", "b.png"))
    views: list[Rendition] = [
        View(image, (50, 60), "PNG"),
        View(image, (50, 60), "WEBP"),
        Thumbnail(image, Box(64), "JPEG"),
    ]
    kept = View(other, (50, 60), "PNG")
    for rendition in (*views, kept):
        assert renditions.make(rendition).result(60) == renditions.cached(rendition)
    renditions.forget(["a.png"])
    assert [renditions.cached(rendition) for rendition in views] == [None] * 3
    assert renditions.cached(kept) is not None


@pytest.mark.skipif(os.name == "nt", reason="needs FIFOs, whose readers wait")
def test_an_answer_that_needs_a_view_is_not_refused(tmp_path: Path) -> None:
    renditions = Renditions(max_waiting=1)
    os.mkfifo(tmp_path / "held.png")
    held = View(Source(tmp_path / "held.png", "held.png", (200, 200), False, "1"), (50, 50), "PNG")
    usual = View(source(tmp_path, halves((200, 200))), (50, 50), "PNG")
    waiting = renditions.make(held)
    with pytest.raises(TooManyRenditions):
        renditions.make(usual)
    assert picture(renditions.make(usual, may_refuse=False).result(60)).size == (50, 50)
    held.source.path.write_bytes(usual.source.path.read_bytes())
    assert picture(waiting.result(60)).size == (50, 50)


@pytest.mark.parametrize(
    "text", ["", "512", "512x", "x512", "512*512", "512X512", " 512x512", "5x5x5", "-1x5", "٣x٣", "5x123456", "05x5"]
)
def test_other_texts_are_no_sizes(text: str) -> None:
    assert ViewSize.parse(text) is None


def test_the_schemas_expression_matches_the_possible_sizes() -> None:
    for side in range(MAX_SIDE + 1000):
        size = ViewSize.parse(f"7x{side}")
        assert size is not None
        assert bool(re.search(PATTERN, f"7x{side}")) == bool(re.search(PATTERN, f"{side}x7")) == size.is_possible, side


def test_a_size_is_read() -> None:
    size = ViewSize.parse("512x768")
    assert size == (512, 768) and size is not None and str(size) == "512x768"
