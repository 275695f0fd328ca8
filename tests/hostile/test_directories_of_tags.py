"""EXIF data and the tags of TIFF files: bombs fill no memory, and the data of usual photos are read."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest
from PIL import Image

from fooocus_api.images.codecs.decoding import NotAnImage, as_kept, read_rgb, upright_size
from fooocus_api.images.codecs.embedded_parameters import read_parameters
from fooocus_api.images.codecs.exif_tags import ORIENTATION, tags_of, without_tag
from fooocus_api.images.complexity.checks import problem_of
from fooocus_api.images.views.carried_metadata import save_options
from fooocus_api.tests.hostile.directories import PREFIX, exif_segments, index_of_pictures, photo, segment
from fooocus_api.tests.hostile.pictures import PICTURES, chunk, jpeg, png, saved
from fooocus_api.tests.support.sources.source_tree import product_files

BOMBS = sorted(name for name in PICTURES if "shared-bytes" in name)
MOST_BYTES = 48 * 2**20


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize(
    "read", [upright_size, as_kept, read_parameters, lambda content: save_options(content, "PNG", (8, 8))]
)
def test_tags_that_share_their_bytes_fill_no_memory(name: str, read: Callable[[bytes], object]) -> None:
    content = PICTURES[name][0]()
    tracemalloc.start()
    try:
        with suppress(NotAnImage):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


def test_there_is_a_bomb_of_each_kind() -> None:
    kinds = {name.partition("-")[0] for name in BOMBS}
    assert {"png", "jpeg", "webp", "tiff"} <= kinds and len(BOMBS) >= 10


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "make",
    [
        lambda block: jpeg(exif_segments(block)),
        lambda block: jpeg(exif_segments(block), segment(0xE2, index_of_pictures())),
        lambda block: jpeg(exif_segments(block, 20_000)),
        lambda block: png(chunk(b"eXIf", block), size=(4, 2)),
        lambda block: png(size=(4, 2), end=chunk(b"eXIf", block) + chunk(b"IEND")),
        lambda block: saved("WEBP", exif=PREFIX + block),
    ],
    ids=["jpeg", "jpeg-of-a-phone", "jpeg-of-three-segments", "png", "png-with-late-exif", "webp"],
)
def test_a_usual_photo_is_read_and_turned(make: Callable[[bytes], bytes], order: str) -> None:
    content = make(photo(order))
    plain = Image.open(io.BytesIO(content)).size
    assert problem_of(content) is None
    assert upright_size(content) == read_rgb(content).shape[1::-1] == plain[::-1]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turn", range(10))
def test_the_orientation_is_that_of_pillow(order: str, turn: int) -> None:
    content = jpeg(exif_segments(photo(order, turn)))
    with Image.open(io.BytesIO(content)) as image:
        turned = image.getexif()[ORIENTATION] in (5, 6, 7, 8)
        assert upright_size(content) == (image.size[::-1] if turned else image.size)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tag_is_removed_and_no_other(order: str) -> None:
    block = photo(order)
    rest = without_tag(block, ORIENTATION)
    before, after = Image.Exif(), Image.Exif()
    before.load(block)
    after.load(rest)
    expected = {number: value for number, value in before.items() if number != ORIENTATION}
    assert dict(after) == expected and len(rest) == len(block)
    for directory in (0x8769, 0x8825):
        assert after.get_ifd(directory) == before.get_ifd(directory) != {}
    assert ORIENTATION not in tags_of(rest) and len(tags_of(rest)) == len(tags_of(block)) - 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_scanned_page_with_all_directories_is_read(order: str) -> None:
    exif = Image.Exif()
    exif.load(photo(order, orientation=1))
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, "TIFF", exif=exif)
    assert upright_size(buffer.getvalue()) == (40, 30)
    assert read_rgb(buffer.getvalue()).shape == (30, 40, 3)


def test_only_the_bounded_reader_reads_exif_data() -> None:
    users = [path.name for path in product_files() if "getexif(" in path.read_text(encoding="utf-8")]
    assert users == [], "use images/codecs/exif_tags.py"
