"""Selection of the host's results that answer the request."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from fooocus_api.adapters.worker.results import drawn

MASK, GRID, INPUT = ([name] for name in ("mask", "grid", "input"))
"""Results that the host returns as arrays."""


def task(*enhancements: int, final_only: bool = True, given: Any = None) -> Any:
    """Return a finished task with these numbers of enhancements for its images."""
    return SimpleNamespace(
        save_final_enhanced_image_only=final_only,
        images_to_enhance_count=len(enhancements),
        enhance_stats=dict(enumerate(enhancements)),
        enhance_input_image=given,
    )


@pytest.mark.parametrize(
    ("ended", "results", "wanted"),
    [
        (task(1, 1), ["a", "b", "a1", "b1"], ["a1", "b1"]),
        (task(2, 1), ["a", "b", "a1", "a2", "b1"], ["a2", "b1"]),
        (task(0, 1), ["a", "b", "b1"], ["a", "b1"]),
        (task(0), ["a"], ["a"]),
        (task(2), ["a", MASK, "a1"], [MASK, "a1"]),
        (task(1), ["a", MASK], [MASK, "a"]),
        (task(1, 0), ["a", "b", "a1", GRID], ["a1", "b", GRID]),
        (task(2, given=INPUT), [INPUT, "1", "2"], ["2"]),
        (task(0, given=INPUT), [INPUT], []),
        (task(1, 1, final_only=False), ["a", "b", "a1", "b1"], ["a", "b", "a1", "b1"]),
        (task(2, final_only=False, given=INPUT), [INPUT, "1", "2"], ["1", "2"]),
        (task(final_only=True), ["a", "b"], ["a", "b"]),
    ],
)
def test_of_an_enhancement_the_final_images_are_taken(ended: Any, results: list[Any], wanted: list[Any]) -> None:
    assert drawn(ended, results, whole=True) == wanted


def test_of_a_task_that_was_cut_short_all_is_taken() -> None:
    assert drawn(task(1, given=INPUT), [INPUT, "1"], whole=False) == ["1"]
    assert drawn(task(2), ["a", "a1"], whole=False) == ["a", "a1"]
