"""Plans for images of any size: what Fooocus generates for them, and when a view is needed."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fooocus_api.api.compat.sizes import MAX_RATIO, MIN_AREA, ImpossibleSize, SizePlan, plan_size
from fooocus_api.images.views.sizes import shown_part

LISTED = ["704*1408", "768*1344", "832*1216", "896*1152", "1024*1024", "1152*896", "1216*832", "1344*768", "1408*704"]
SIDES = st.integers(1, 2048)
LISTS = st.lists(st.sampled_from([*LISTED, "512*512", "2048*2048", "1001*999", "4096*64", "none", ""]), unique=True)


def sizes_of(plan: SizePlan) -> tuple[int, int]:
    return plan.fields["overwrite_width"], plan.fields["overwrite_height"]


@pytest.mark.parametrize("asked", [(1152, 896), (1024, 1024), (704, 1408)])
def test_a_listed_ratio_is_generated_by_its_name(asked: tuple[int, int]) -> None:
    plan = plan_size(asked, LISTED)
    assert plan.fields["aspect_ratios_selection"] == f"{asked[0]}*{asked[1]}"
    assert sizes_of(plan) == plan.generated == asked and plan.view is None


@pytest.mark.parametrize("asked", [(1536, 1024), (1024, 1536), (1792, 1024), (1536, 864), (2048, 2048), (2048, 512)])
def test_a_large_size_is_generated_as_it_is(asked: tuple[int, int]) -> None:
    plan = plan_size(asked, LISTED)
    assert plan.fields == {"overwrite_width": asked[0], "overwrite_height": asked[1]}
    assert plan.generated == asked and plan.view is None


@pytest.mark.parametrize(
    ("asked", "generated"),
    [
        ((512, 512), (1024, 1024)),
        ((256, 256), (1024, 1024)),
        ((1, 1), (1024, 1024)),
        ((448, 576), (896, 1152)),
        ((576, 448), (1152, 896)),
        ((600, 400), (1248, 832)),
        ((640, 360), (1408, 792)),
        ((1000, 700), (1000, 704)),
        ((2047, 2041), (2048, 2048)),
    ],
)
def test_other_sizes_are_views_of_a_well_generated_one(asked: tuple[int, int], generated: tuple[int, int]) -> None:
    plan = plan_size(asked, LISTED)
    assert (plan.generated, sizes_of(plan), plan.view) == (generated, generated, asked)
    name = f"{generated[0]}*{generated[1]}"
    assert plan.fields.get("aspect_ratios_selection") == (name if name in LISTED else None)


@pytest.mark.parametrize(
    ("asked", "words", "largest"),
    [
        ((0, 512), "a side of 0 pixels", None),
        ((512, -1), "a side of -1 pixels", None),
        ((3840, 2160), "the largest size of this ratio is 2048x1152", (2048, 1152)),
        ((2160, 3840), "the largest size of this ratio is 1152x2048", (1152, 2048)),
        ((2049, 2049), "the largest size of this ratio is 2048x2048", (2048, 2048)),
        ((4096, 1024), "the largest size of this ratio is 2048x512", (2048, 512)),
        ((100_000, 1), "use 1 to 2048", None),
        ((400, 100), "a ratio beyond 3:1", None),
        ((1, 4), "a ratio beyond 3:1", None),
    ],
)
def test_an_impossible_size_is_refused_with_the_largest_one(
    asked: tuple[int, int], words: str, largest: tuple[int, int] | None
) -> None:
    with pytest.raises(ImpossibleSize, match=words) as refused:
        plan_size(asked, LISTED)
    assert refused.value.largest == largest


@given(SIDES, SIDES, LISTS)
def test_each_image_is_generated_well_and_never_enlarged(width: int, height: int, listed: list[str]) -> None:
    asked = (width, height)
    try:
        plan = plan_size(asked, listed)
    except ImpossibleSize:
        assert max(asked) > MAX_RATIO * min(asked) and f"{width}*{height}" not in listed
        return
    generated = plan.generated
    assert generated == sizes_of(plan) and all(64 <= side <= 2048 and side % 8 == 0 for side in generated)
    if plan.fields.keys() == {"aspect_ratios_selection", "overwrite_width", "overwrite_height"}:
        assert plan.fields["aspect_ratios_selection"] in listed
    else:
        assert plan.fields.keys() == {"overwrite_width", "overwrite_height"}
    assert (plan.view is None) == (generated == asked) and plan.view in (None, asked)
    assert generated[0] >= width and generated[1] >= height
    if plan.view is not None:
        assert generated[0] * generated[1] >= MIN_AREA
        left, top, right, bottom = shown_part(generated, asked)
        assert (right - left) * (bottom - top) >= 0.97 * generated[0] * generated[1]


@given(SIDES, SIDES, st.integers(2, 20))
def test_the_largest_size_of_a_ratio_is_possible(width: int, height: int, factor: int) -> None:
    asked = (width * factor, height * factor)
    assume(max(asked) > 2048)
    with pytest.raises(ImpossibleSize) as refused:
        plan_size(asked, LISTED)
    if refused.value.largest is not None:
        assert max(refused.value.largest) == 2048 and plan_size(refused.value.largest, LISTED)


@given(st.integers(1, 4096), st.integers(1, 4096), st.integers(1, 4096), st.integers(1, 4096))
def test_a_view_shows_a_part_of_its_ratio_from_the_centre(width: int, height: int, wide: int, high: int) -> None:
    left, top, right, bottom = shown_part((width, height), (wide, high))
    assert 0 <= left < right <= width and 0 <= top < bottom <= height
    assert abs(left - (width - right)) <= 1 and abs(top - (height - bottom)) <= 1
    assert abs((right - left) * high - (bottom - top) * wide) < 1e-6 * wide * high + 1e-3
