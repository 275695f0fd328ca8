"""The stages of a task as the host's progress titles name them."""

from __future__ import annotations

import re

from ...tasks.model.stage import Phase, Stage

STEP = re.compile(r"Sampling step (\d{1,4})/(\d{1,4})(?:, image (\d{1,4})/(\d{1,4}))?", re.ASCII)
IMAGE = re.compile(r" (\d{1,4})/(\d{1,4})\b", re.ASCII)
"""The number of the image in the titles of its preparation and its saving."""
PHASES: dict[str, Phase] = {
    "Loading": "loading",
    "Downloading": "loading",
    "Initializing": "loading",
    "Saving": "saving",
    "Checking": "saving",
}
"""First word of a title → phase. Every other title is one of the preparation."""


def stage_of(title: str) -> Stage:
    """Return the stage that a title of the host names: an unknown one is a preparation."""
    if step := STEP.match(title):
        done, steps, number, count = (int(group) if group else None for group in step.groups())
        return Stage("decoding" if done == steps else "sampling", done, steps, number, count)
    image = IMAGE.search(title)
    numbers = (int(image[1]), int(image[2])) if image else (None, None)
    return Stage(PHASES.get(title.split(" ", 1)[0], "preparing"), None, None, *numbers)
