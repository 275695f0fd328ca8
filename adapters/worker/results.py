"""Selects the requested results among all that a task returned."""

from __future__ import annotations

from typing import Any


def drawn(task: Any, results: list[Any], *, whole: bool) -> list[Any]:
    """Return the results without the input image, which the host puts first when it enhances one.

    With `save_final_enhanced_image_only` only the last result of each image is kept, unless the task was cut short (not `whole`).
    The host saves that result in the outputs only if the last enhancement generated it; if nothing was found to enhance, it is
    in the temp folder.
    """
    count = getattr(task, "images_to_enhance_count", 0)
    if whole and count and getattr(task, "save_final_enhanced_image_only", False):
        results = _finals(results, count, task.enhance_stats)
    given = getattr(task, "enhance_input_image", None)
    return [result for result in results if given is None or result is not given]


def _finals(results: list[Any], count: int, enhancements: dict[int, int]) -> list[Any]:
    """Return the last result of each image. The host puts the images first, then the results of each in turn, then the others.

    Debug masks, which are arrays among paths, are kept.
    """
    kept, position = [], count
    for index, image in enumerate(results[:count]):
        own = results[position : position + enhancements.get(index, 0)]
        position += len(own)
        images = [result for result in own if isinstance(result, str)]
        kept += [result for result in own if not isinstance(result, str)]
        kept.append(images[-1] if images else image)
    return kept + results[position:]
