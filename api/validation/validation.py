"""Validates a request beyond its types: known names, consistent images and options.

Fooocus accepts nearly any value and silently generates something else; the API rejects such a request with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import PurePath
from urllib.parse import urlsplit

from ...asgi.error_codes import FieldErrorCode
from ...files.paths import is_device
from ...outbound.client import OutboundClient
from ...outbound.pinned_connection import BlockedAddress, OutboundError
from ..context import Context
from ..responses.problems import MAX_ERRORS, FieldError, InvalidFields
from ..schemas.generate import DISABLED, UPSCALE_CUSTOM, CommonRequest
from .host_choices import wrong_choices
from .known_names import one_refresh, unknown_names
from .lora_checks import lora_errors
from .prompt_texts import crowded_prompts

SAM_BOX_THRESHOLD = 0.05
"""Minimum: each of the detector's 900 boxes above the threshold takes about 25 MB, and near 0 all are above it."""

MAX_NAME_BYTES = 224
"""Maximum bytes of a `save_name`: of a file system's 255, the number, the extension and a conflict's prefix need some."""


@one_refresh()
def check(
    request: CommonRequest, context: Context, coming: Collection[PurePath] = (), found: Sequence[FieldError] = ()
) -> None:
    """Reject a request that the host would execute differently or not at all. May read the disk: off the event loop.

    Args:
        coming: model files that will be downloaded before the task starts.
        found: earlier errors to report with the new ones.

    Raises:
        InvalidFields: names every wrong field and what is allowed.
    """
    errors = [
        *found,
        *_too_many(request, context),
        *islice(crowded_prompts(request), MAX_ERRORS),
        *islice(unknown_names(request, context.host.catalog, coming), MAX_ERRORS),
        *islice(lora_errors(request, context), MAX_ERRORS),
        *islice(wrong_choices(request, context), MAX_ERRORS),
        *_inconsistent_images(request),
        *_inconsistent_enhancement(request),
        *_invalid_save_name(request),
        *_invalid_webhook_url(request, context.outbound),
    ]
    if errors:
        raise InvalidFields(errors)


def _inconsistent_images(request: CommonRequest) -> Iterator[FieldError]:
    """Yield errors for images without a use and for options without their image: the host would silently use the prompt alone."""
    uov, inpaint, mask = request.uov_input_image, request.inpaint_input_image, request.inpaint_mask_image_upload
    prompts = any(image.cn_img is not None for image in request.controlnet_image)
    varies = request.uov_method.lower() not in DISABLED
    if uov and not varies:
        yield FieldError(
            field="uov_method",
            code=FieldErrorCode.CONFLICT,
            message="is Disabled, but uov_input_image is given; choose a method, or omit the image",
        )
    if varies and not uov:
        yield FieldError(
            field="uov_input_image", code=FieldErrorCode.REQUIRED, message=f"is required for {request.uov_method}"
        )
    if mask and not inpaint:
        yield FieldError(
            field="inpaint_input_image",
            code=FieldErrorCode.REQUIRED,
            message="is required with inpaint_mask_image_upload",
        )
    if request.outpaint_selections and not inpaint:
        yield FieldError(
            field="inpaint_input_image",
            code=FieldErrorCode.REQUIRED,
            message="is required with outpaint_selections",
        )
    if inpaint and not mask and not request.outpaint_selections:
        yield FieldError(
            field="inpaint_mask_image_upload",
            code=FieldErrorCode.REQUIRED,
            message="is required with inpaint_input_image, unless outpaint_selections is given",
        )
    yield from _distance_without_direction(request)
    given = [
        name
        for name, image in (
            ("enhance_input_image", request.enhance_input_image),
            ("controlnet_image", prompts or None),
            ("uov_input_image", None if prompts and request.mixing_image_prompt_and_vary_upscale else uov),
            ("inpaint_input_image", None if prompts and request.mixing_image_prompt_and_inpaint else inpaint),
        )
        if image
    ]
    for name in given[1:]:
        remedy = {
            "uov_input_image": "; to use it with image prompts, set mixing_image_prompt_and_vary_upscale",
            "inpaint_input_image": "; to use it with image prompts, set mixing_image_prompt_and_inpaint",
        }.get(name, "")
        yield FieldError(field=name, code=FieldErrorCode.CONFLICT, message=f"can't be used with {given[0]}{remedy}")
    if uov and "fast" in request.uov_method.lower():
        for name, used in (("controlnet_image", prompts), ("enhance_checkbox", request.enhance_checkbox)):
            if used:
                yield FieldError(
                    field=name,
                    code=FieldErrorCode.CONFLICT,
                    message=f"can't be used with {request.uov_method}, which only enlarges",
                )


def _inconsistent_enhancement(request: CommonRequest) -> Iterator[FieldError]:
    """Yield errors for requested enhancements that the host would skip, or that mask model `sam` can't process."""
    enabled = [index for index, control in enumerate(request.enhance_ctrls) if control.enhance_enabled]
    varies = request.enhance_uov_method.lower() not in DISABLED
    if not (request.enhance_checkbox or request.enhance_input_image):
        given = request.model_fields_set
        if "enhance_checkbox" not in given and (enabled or (varies and "enhance_uov_method" in given)):
            field = f"enhance_ctrls[{enabled[0]}].enhance_enabled" if enabled else "enhance_uov_method"
            yield FieldError(
                field=field,
                code=FieldErrorCode.NEEDS_FIELD,
                message="requires enhance_checkbox or enhance_input_image",
            )
        return
    if request.enhance_input_image and not enabled and not varies:
        yield FieldError(
            field="enhance_ctrls",
            code=FieldErrorCode.REQUIRED,
            message="has no enabled entry; enable one, or set enhance_uov_method",
        )
    for index in enabled:
        control, path = request.enhance_ctrls[index], f"enhance_ctrls[{index}]."
        if control.enhance_mask_model == "sam":
            yield from sam_errors(
                (f"{path}enhance_mask_dino_prompt", control.enhance_mask_dino_prompt),
                (f"{path}enhance_mask_box_threshold", control.enhance_mask_box_threshold),
                boxes_only=request.debugging_dino,
            )


def sam_errors(prompt: tuple[str, str], box_threshold: tuple[str, float], *, boxes_only: bool) -> Iterator[FieldError]:
    """Yield errors for values that mask model `sam` can't process.

    Args:
        prompt: the field's path and its value.
        box_threshold: the field's path and its value.
        boxes_only: only boxes are detected, without masks.
    """
    if not prompt[1].strip():
        yield FieldError(
            field=prompt[0],
            code=FieldErrorCode.REQUIRED,
            message="is required with mask model sam; name the object to find",
        )
    if box_threshold[1] < SAM_BOX_THRESHOLD and not boxes_only:
        yield FieldError(
            field=box_threshold[0],
            code=FieldErrorCode.OUT_OF_RANGE,
            message=f"must be at least {SAM_BOX_THRESHOLD} with mask model sam; below, it detects 900 objects in any image",
        )


def _distance_without_direction(request: CommonRequest) -> Iterator[FieldError]:
    for index, side in enumerate(("Left", "Top", "Right", "Bottom")):
        if request.outpaint_distance[index] and side not in request.outpaint_selections:
            yield FieldError(
                field=f"outpaint_distance[{index}]",
                code=FieldErrorCode.NEEDS_FIELD,
                message=f"requires {side} in outpaint_selections",
            )


def _too_many(request: CommonRequest, context: Context) -> Iterator[FieldError]:
    given = {
        "loras": len(request.loras),
        "controlnet_image": sum(image.cn_img is not None for image in request.controlnet_image),
        "enhance_ctrls": len(request.enhance_ctrls),
    }
    for field, places in context.host.arguments.list_sizes().items():
        if given[field] > places:
            yield FieldError(
                field=field,
                code=FieldErrorCode.WRONG_COUNT,
                message=f"has {given[field]} entries; this Fooocus allows at most {places}",
            )


def _invalid_save_name(request: CommonRequest) -> Iterator[FieldError]:
    name = request.save_name
    if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        size = len(name.encode("utf-8", "replace"))
        message = f"has {size} bytes in UTF-8; at most {MAX_NAME_BYTES} fit into a file name with its number"
        yield FieldError(field="save_name", code=FieldErrorCode.TOO_LONG, message=message)
    if name and (is_device(name) or name[-1] in ". "):
        yield FieldError(
            field="save_name",
            code=FieldErrorCode.INVALID_FORMAT,
            message=f"{name!r} is not a valid file name on every system; choose another",
        )
    if request.upscale_multiple != 1.0 and request.uov_method != UPSCALE_CUSTOM:
        yield FieldError(
            field="upscale_multiple", code=FieldErrorCode.NEEDS_FIELD, message=f"requires uov_method {UPSCALE_CUSTOM!r}"
        )


def _invalid_webhook_url(request: CommonRequest, outbound: OutboundClient) -> Iterator[FieldError]:
    if not request.webhook_url:
        return
    if not is_http_url(request.webhook_url):
        message = "must be an http:// or https:// URL, such as https://example.com/hook"
        yield FieldError(field="webhook_url", code=FieldErrorCode.INVALID_FORMAT, message=message)
        return
    try:
        outbound.validate_url(request.webhook_url)
    except BlockedAddress as error:
        yield FieldError(field="webhook_url", code=FieldErrorCode.BLOCKED_ADDRESS, message=str(error))
    except OutboundError:
        pass  # the host can't be resolved now, but perhaps when the webhook is due


def is_http_url(text: str) -> bool:
    """Return whether the text is an http(s) URL with a valid host and port."""
    try:
        parts = urlsplit(text)
        usable = parts.port != 0  # raises ValueError for an invalid port
    except ValueError:
        return False
    written = text.isprintable() and not any(sign.isspace() for sign in text)
    return usable and written and parts.scheme in ("http", "https") and 0 < len(parts.hostname or "") <= 253
