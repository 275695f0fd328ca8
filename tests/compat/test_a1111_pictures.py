"""Pictures in other sizes: the parts that remain, and the memory that it takes."""

from __future__ import annotations

import pytest
from PIL import Image

from fooocus_api.api.compat.a1111.pictures import CROP, FILL, fitted, is_empty, mask_of
from fooocus_api.api.requests.memory_budget import MemoryBudget
from fooocus_api.api.responses.problems import Problem


def halves(size: tuple[int, int]) -> Image.Image:
    """Return a picture that is red on its left and blue on its right."""
    picture = Image.new("RGB", size, "red")
    picture.paste((0, 0, 255), (size[0] // 2, 0, *size))
    return picture


@pytest.mark.parametrize("mode", [0, CROP, FILL])
@pytest.mark.parametrize("size", [(1, 500_000), (500_000, 1), (1, 4000), (3000, 2)])
def test_extreme_ratios_take_little_memory(mode: int, size: tuple[int, int]) -> None:
    with MemoryBudget(2**27).reservation() as reservation:
        made = fitted(Image.new("RGB", size, "green"), (1024, 1024), reservation, mode)
    assert made.size == (1024, 1024) and made.getpixel((512, 512)) == (0, 128, 0)


@pytest.mark.parametrize("mode", [0, CROP, FILL])
@pytest.mark.parametrize("size", [(400, 100), (100, 300)])
def test_the_centre_stays_in_the_centre(mode: int, size: tuple[int, int]) -> None:
    with MemoryBudget(2**27).reservation() as reservation:
        made = fitted(halves(size), (200, 200), reservation, mode)
    assert made.getpixel((90, 100)) == (255, 0, 0) and made.getpixel((110, 100)) == (0, 0, 255)


def test_the_new_size_is_counted() -> None:
    with MemoryBudget(2**20).reservation() as reservation, pytest.raises(Problem):
        fitted(halves((8, 8)), (1024, 1024), reservation)


CLEAR, BLACK, WHITE, RED, FAINT = (
    (0, 0, 0, 0),
    (0, 0, 0, 255),
    (255, 255, 255, 255),
    (255, 0, 0, 255),
    (255, 255, 255, 128),
)


@pytest.mark.parametrize(
    ("ground", "box"),
    [
        (CLEAR, WHITE),
        (CLEAR, BLACK),
        (CLEAR, RED),
        (CLEAR, FAINT),
        (BLACK, FAINT),
        (BLACK, WHITE),
        ((255, 255, 255, 0), BLACK),
    ],
)
def test_the_box_of_a_mask_is_generated_again_however_it_is_painted(
    ground: tuple[int, int, int, int], box: tuple[int, int, int, int]
) -> None:
    picture = Image.new("RGBA", (100, 80), ground)
    picture.paste(box, (10, 20, 50, 60))
    picture.putpixel((99, 79), CLEAR)  # one pixel that a painting program left over
    mask = mask_of(picture, invert=False).point(lambda value: 255 if value > 127 else 0)
    assert mask.getbbox() == (10, 20, 50, 60) and not is_empty(mask)
    inverse = mask_of(picture, invert=True)
    assert inverse.getpixel((5, 5)) == 255 and inverse.getpixel((30, 40)) <= 127  # type: ignore[operator]  # of one channel


def test_soft_edges_of_a_stroke_do_not_make_a_mask_black_and_white() -> None:
    picture = Image.new("RGBA", (100, 80), CLEAR)
    picture.paste(BLACK, (10, 20, 50, 60))
    for y in range(20, 30):
        picture.putpixel((50, y), (255, 255, 255, 60))
    assert mask_of(picture, invert=False).getbbox() == (10, 20, 50, 60)
