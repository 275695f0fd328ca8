"""The mask that a task of the WebUI inpaints by: of the painted one, the uploaded one and the options, as the host joins them.

Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
from PIL import Image as PILImage


def webui_mask(canvas: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    """Return the mask as a uint8 array of HxWx3, None if nothing is painted.

    The host grows or shrinks it afterwards, and then inverts it; an inverted mask that is also grown or shrunk can't be
    expressed, and stays as it was painted.

    Args:
        canvas: the image and the mask that are painted in the browser.
        arguments: the task's arguments by their names.
    """
    painted = canvas.get("mask")
    if painted is None:
        return None
    mask = painted[:, :, 0]
    uploaded = _uploaded(arguments.get("inpaint_mask_image_upload"))
    if arguments.get("inpaint_advanced_masking_checkbox") and uploaded is not None:
        size = (mask.shape[1], mask.shape[0])
        scaled = numpy.asarray(PILImage.fromarray(uploaded).resize(size, PILImage.Resampling.LANCZOS))
        mask = numpy.maximum(mask, (scaled.mean(axis=2) > 127).astype(numpy.uint8) * 255)
    if arguments.get("invert_mask_checkbox") and not int(arguments.get("inpaint_erode_or_dilate") or 0):
        mask = 255 - mask
    return numpy.repeat(mask[:, :, None], 3, axis=2) if mask.any() else None


def _uploaded(value: Any) -> Any:
    """Return the uploaded mask, with what was painted on it, None without one."""
    if isinstance(value, dict):
        image, painted = value.get("image"), value.get("mask")
        value = numpy.maximum(image, painted) if image is not None and painted is not None else None
    return value if getattr(value, "ndim", 0) == 3 else None
