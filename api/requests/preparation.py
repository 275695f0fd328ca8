"""Converts a request's body into a task's parameters: preset, images, names. Off the event loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from fastapi import Request

from ...asgi.error_codes import FieldErrorCode
from ...asgi.problem import shortened
from ...tasks.queue.model_downloads import Download
from ..context import Context
from ..responses.problems import FieldError, InvalidFields, invalid_field
from ..responses.public_urls import PublicUrls
from ..schemas.generate import IMAGE_FIELDS, CommonRequest
from ..schemas.host_request import host_values
from ..security.authorization import access_of, may_see_image
from ..validation.known_names import known_values, one_refresh, with_listed_names, without_missing_loras
from ..validation.lora_checks import with_prompts_weights
from ..validation.nearest_names import MAX_NAME_LENGTH
from ..validation.result_size import check_result
from ..validation.sizes import with_size, without_size_if_sent
from ..validation.validation import check
from .fields.ignored import extra_members, notes_of, unknown_fields
from .fields.ineffective import without_effect
from .image_sources import ImageResolver


@dataclass(frozen=True)
class Prepared:
    """The arguments for the service, and the images to drop if the service refuses the task."""

    parameters: dict[str, Any]
    downloads: list[Download]
    images: list[str]
    ignored: list[dict[str, Any]]
    """The ignored fields of the request, in the form of the record."""


def takes_long(body: CommonRequest) -> bool:
    """Return whether preparation may take long: it reads pictures, or resolves the webhook's host."""
    pictures = (*(getattr(body, field) for field in IMAGE_FIELDS), *(item.cn_img for item in body.controlnet_image))
    return bool(body.webhook_url) or any(pictures)


def prepare(sent: CommonRequest, context: Context, request: Request, *, image_format: str | None = None) -> Prepared:
    """Check the whole request, then write its images.

    Args:
        image_format: the format of the response if that is an image; the task then generates one image, in this format
            unless the request names another. None if the response is not an image.

    Raises:
        InvalidFields: names every wrong field and what is allowed.
        Problem: 406, the image would be too large for the format that `Accept` names.
        StorageUnavailable: the images can't be written.
    """
    resolver = ImageResolver(context, request.headers.get("host"), may_see=may_see_image(context, request))
    prepared = prepare_with(resolver, sent, context, request, image_format=image_format)
    return replace(prepared, images=resolver.hold())


class RowImages(Protocol):
    """Resolver of the images of one request or of many, as `ImageResolver` is one."""

    def resolve(self, field: str, text: str | None, urls: PublicUrls | None = None) -> str | None: ...

    def size(self, reference: str) -> tuple[int, int]: ...


@one_refresh()
def prepare_with(
    resolver: RowImages, sent: CommonRequest, context: Context, request: Request, *, image_format: str | None = None
) -> Prepared:
    """Check the whole request as `prepare` does, but leave its images to `resolver.hold`."""
    _refuse_foreign(sent)
    body, errors = with_size(sent, context.host.catalog.names("aspect_ratios"))
    body, downloads = _with_preset(body, context, sent)
    body = with_listed_names(body, context)
    body = without_missing_loras(body, context, [download.path for download in downloads])
    body = with_prompts_weights(body, sent, context)
    check(body, context, coming=[download.path for download in downloads], found=errors)
    parameters = body.model_dump(exclude=extra_members(body), warnings="none")
    _resolve_images(parameters, resolver, context.urls(request))
    check_result(body, parameters, resolver.size, image_format)
    if image_format is not None:
        parameters["image_number"] = 1
        if "output_format" not in sent.model_fields_set:
            parameters["output_format"] = image_format.lower()
    _check_quota(parameters["image_number"], access_of(request).limits.images_per_day)
    varied = parameters["uov_input_image"]
    size = resolver.size(varied) if varied else None
    ignored = notes_of(unknown_fields(sent), without_effect(sent, size, one_image=image_format is not None))
    return Prepared(parameters, downloads, [], ignored)


def _check_quota(number: int, most: int | None) -> None:
    """Refuse a request that no day's quota of its key allows, so that it is not sent again each day.

    Raises:
        InvalidFields: it requests too many images.
    """
    if most is not None and number > most:
        message = f"is {number}, and this key's quota is {most} images a day; request at most {most}, or have it raised"
        raise invalid_field("image_number", FieldErrorCode.OUT_OF_RANGE, message)


def _refuse_foreign(sent: CommonRequest) -> None:
    """Refuse a request whose every member is unknown: it is one of another API, and would be generated from an empty prompt.

    Raises:
        InvalidFields: names the first of them.
    """
    extra = sent.model_extra or {}
    if extra and sent.model_fields_set <= extra.keys():
        message = "is unknown, and the request has no other field; send the fields themselves, such as prompt"
        name = shortened(min(extra), MAX_NAME_LENGTH)
        raise InvalidFields([FieldError(field=name, code=FieldErrorCode.UNKNOWN_FIELD, message=message)])


def _with_preset(body: CommonRequest, context: Context, sent: CommonRequest) -> tuple[CommonRequest, list[Download]]:
    """Return the body with the preset's values wherever it has the default, and the files the preset needs.

    The request's size takes precedence over the preset's, in any notation.
    """
    name = body.preset
    if name == "initial" or name not in context.host.catalog.names("presets"):
        return body, []  # the checks report an unknown preset
    fields = type(body).model_fields
    taken = {
        field: value
        for field, value in without_size_if_sent(body, context.host.presets.values(name), sent).items()
        if field in fields and getattr(body, field) == fields[field].get_default(call_default_factory=True)
    }
    # A preset is the host's own: the limits for clients' values do not apply to it.
    downloads = context.host.presets.downloads(name)
    values = known_values(
        host_values(type(body), taken), context.host.catalog, [download.path for download in downloads]
    )
    return body.model_copy(update=values), downloads


def _resolve_images(parameters: dict[str, Any], resolver: RowImages, urls: PublicUrls) -> None:
    """Replace every image by its reference. Report all unusable images in one error."""
    errors: list[Any] = []

    def resolve(place: dict[str, Any], key: str, field: str) -> None:
        try:
            place[key] = resolver.resolve(field, place[key], urls)
        except InvalidFields as error:
            errors.extend(error.errors)

    for field in IMAGE_FIELDS:
        resolve(parameters, field, field)
    for index, item in enumerate(parameters["controlnet_image"]):
        resolve(item, "cn_img", f"controlnet_image[{index}].cn_img")
    if errors:
        raise InvalidFields(errors)
    parameters["controlnet_image"] = [item for item in parameters["controlnet_image"] if item["cn_img"]]
