"""The kinds of jobs: their names on the wire, and the kind of any task."""

from __future__ import annotations

from enum import Enum

from .....asgi.surfaces.surface import Surface
from .....tasks.model.task import Task
from ...submission import EXTRA_NOTE, SURFACE_NOTE

KIND = "job_type"
"""Key of the kind in a task's data."""


class Kind(str, Enum):
    """A kind of job, by its `job_type`."""

    TEXT = "Text to Image"
    UPSCALE = "Image Upscale or Variation"
    INPAINT = "Image Inpaint or Outpaint"
    PROMPT = "Image Prompt"
    ENHANCE = "Image Enhancement"
    NOT_FOUND = "Not Found"


def kind_of(task: Task) -> Kind:
    """Return the kind of a task: the one of the route that accepted it, else the one that its images make it."""
    if task.notes.get(SURFACE_NOTE) == Surface.LEGACY.value:
        return Kind(task.notes[EXTRA_NOTE][KIND])
    given = task.parameters
    if given.get("enhance_input_image"):
        return Kind.ENHANCE
    if any(item.get("cn_img") for item in given.get("controlnet_image") or ()):
        return Kind.PROMPT
    if given.get("uov_input_image"):
        return Kind.UPSCALE
    return Kind.INPAINT if given.get("inpaint_input_image") else Kind.TEXT
