"""What a request must be beyond its types: names the checkout knows, features this version has. Called by the generate route."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from .context import Catalog
from .errors import FieldError, InvalidFields
from .schemas.request import IGNORED_FIELDS, CommonRequest

NO_IMAGE = (None, "", "None")

NOT_YET: dict[str, tuple[Any, ...]] = {
    "uov_input_image": NO_IMAGE,
    "inpaint_input_image": NO_IMAGE,
    "inpaint_mask_image_upload": NO_IMAGE,
    "enhance_input_image": NO_IMAGE,
    "enhance_checkbox": (None, False, "false", "False", 0),
    "uov_method": (None, "", "None", "Disabled", "disabled"),
    "outpaint_selections": (None, []),
    "preset": (None, "", "None", "initial"),
    "webhook_url": (None, "", "None"),
    "require_base64": (None, False, "false", "False", 0),
}
"""Features this version does not have, and the values that don't ask for them."""


def check(request: CommonRequest, catalog: Catalog) -> None:
    """Refuse what the host would draw differently, or not at all. May look at the disk: off the event loop.

    Raises:
        InvalidFields: names every wrong field and the nearest allowed values.
    """
    errors = [*_unsupported(request.model_extra or {}), *_unknown_names(request, catalog)]
    if errors:
        raise InvalidFields(errors)


def ignored_fields(request: CommonRequest) -> list[str]:
    """Fields of the request that nobody knows, so that a typo can be seen."""
    return sorted(set(request.model_extra or {}) - IGNORED_FIELDS - set(NOT_YET) - {"controlnet_image"})


def _unsupported(extra: dict[str, Any]) -> Iterator[FieldError]:
    for field, harmless in NOT_YET.items():
        if field in extra and extra[field] not in harmless:
            yield FieldError(field=field, message="this version of the API can't do that yet; leave it out")
    images = extra.get("controlnet_image") or []
    for index, image in enumerate(images if isinstance(images, list) else []):
        if isinstance(image, dict) and image.get("cn_img") not in NO_IMAGE:
            field = f"controlnet_image[{index}].cn_img"
            yield FieldError(field=field, message="this version of the API can't do that yet; leave it out")


def _unknown_names(request: CommonRequest, catalog: Catalog) -> Iterator[FieldError]:
    named = [(field, getattr(request, field), kind) for field, kind in CommonRequest.CATALOGS.items()]
    for field, value, kind in named:
        if isinstance(value, list):
            for index, name in enumerate(value):
                yield from _unknown_name(f"{field}[{index}]", name, kind, catalog)
        else:
            yield from _unknown_name(field, _as_listed(field, value), kind, catalog)
    for index, lora in enumerate(request.loras):
        yield from _unknown_name(f"loras[{index}].model_name", lora.model_name, "loras", catalog)


def _unknown_name(field: str, name: str, kind: str, catalog: Catalog) -> Iterator[FieldError]:
    known = catalog.names(kind)
    if name in known:
        return
    if kind in ("models", "refiners", "loras", "vaes"):
        catalog.refresh()  # it may have been dropped into its folder a moment ago
        known = catalog.names(kind)
        if name in known:
            return
    nearest = difflib.get_close_matches(name, known, n=5, cutoff=0.4) or known[:5]
    yield FieldError(field=field, message=f"{name!r} is not one of the {kind.replace('_', ' ')}", allowed=nearest)


def _as_listed(field: str, value: str) -> str:
    if field == "output_format" and value == "jpg":
        return "jpeg"
    if field == "aspect_ratios_selection":
        return value.replace("×", "*")
    return value
