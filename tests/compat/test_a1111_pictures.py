"""Pictures in other sizes: the parts that remain, and the memory that it takes."""

from __future__ import annotations

import pytest
from PIL import Image

from fooocus_api.api.compat.a1111.pictures import CROP, FILL, fitted
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
