"""Checks of the images that a task's parameters refer to, which read no more of them than needed."""

from __future__ import annotations

from typing import Any

from ...tasks.ports.engine import ParameterError
from .field_names import MASK
from .images.image_files import ImageFiles
from .images.inpaint import is_painted, unpainted

FIELDS = ("enhance_input_image", "uov_input_image", "inpaint_input_image")


def check_images(parameters: dict[str, Any], files: ImageFiles) -> None:
    """Check that the images are there, and that the mask leaves something to generate. Needs no host.

    Raises:
        ParameterError: an image can't be used.
    """
    prompts = [item.get("cn_img") for item in parameters.get("controlnet_image") or ()]
    for reference in (*(parameters.get(name) for name in FIELDS), *prompts):
        if reference:
            files.find(reference)
    check_mask(parameters, files)


def check_mask(parameters: dict[str, Any], files: ImageFiles) -> None:
    """Check that the mask is painted, where it decides whether there is anything to generate.

    Raises:
        ParameterError: it is not, or it can't be read.
    """
    image, mask = parameters.get("inpaint_input_image"), parameters.get(MASK)
    if image and mask and not parameters.get("outpaint_selections"):
        painting = files.mask(mask)
        if not is_painted(painting, files.size(image)):
            raise ParameterError(unpainted(painting), field=MASK)
