"""From a request's body to the parameters of a task: preset, images, names. Called by the generate route, off the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request

from ..tasks.downloads import Download
from .access import may_see_image
from .context import Context
from .effects import without_effect
from .errors import InvalidFields
from .ignored import extra_members, notes_of, unknown_fields
from .images import ImageResolver
from .known_names import known_values, with_listed_names, without_missing_loras
from .media import accepted_format
from .result_size import check_result
from .schemas.host_request import host_values
from .schemas.request import IMAGE_FIELDS, CommonRequest
from .sizes import beside, with_size
from .urls import PublicUrls
from .validation import check


@dataclass(frozen=True)
class Prepared:
    """What is handed to the service, and the images that are to be dropped if it refuses."""

    parameters: dict[str, Any]
    downloads: list[Download]
    images: list[str]
    ignored: list[dict[str, Any]]
    """The ignored parts of the request, as its record has them."""


def takes_long(body: CommonRequest) -> bool:
    """Whether pictures are to be read, or somebody's server to be waited for."""
    pictures = (*(getattr(body, field) for field in IMAGE_FIELDS), *(item.cn_img for item in body.controlnet_image))
    return bool(body.webhook_url) or any(pictures)


def prepare(sent: CommonRequest, context: Context, request: Request, *, one_image: bool = False) -> Prepared:
    """Check all of a request, then write its images.

    Args:
        one_image: the answer is an image, of which there is one.

    Raises:
        InvalidFields: names every wrong field and what is allowed.
        Problem: 406 when the image would be too large for the format that `Accept` names.
        StorageUnavailable: its images can't be written.
    """
    body, errors = with_size(sent, context.catalog.names("aspect_ratios"))
    body, downloads = _with_preset(body, context, sent)
    body = with_listed_names(body, context)
    body = without_missing_loras(body, context, [download.path for download in downloads])
    check(body, context, coming=[download.path for download in downloads], found=errors)
    parameters = body.model_dump(exclude=extra_members(body), warnings="none")
    if one_image:
        parameters["image_number"] = 1
    resolver = ImageResolver(context, request.headers.get("host"), may_see=may_see_image(context, request))
    _resolve_images(parameters, resolver, context.urls(request))
    accept = accepted_format(request.headers.get("accept")) if one_image else None
    check_result(body, parameters, resolver.size, accept)
    varied = parameters["uov_input_image"]
    size = resolver.size(varied) if varied else None
    ignored = notes_of(unknown_fields(sent), without_effect(sent, size, one_image=one_image))
    return Prepared(parameters, downloads, resolver.hold(), ignored)


def _with_preset(body: CommonRequest, context: Context, sent: CommonRequest) -> tuple[CommonRequest, list[Download]]:
    """Return the body with the preset's values wherever it has the default, and the files the preset needs.

    A size of the request's own counts before the preset's, however each is written.
    """
    name = body.preset
    if name == "initial" or name not in context.catalog.names("presets"):
        return body, []  # an unknown one is named by the checks
    fields = type(body).model_fields
    taken = {
        field: value
        for field, value in beside(body, context.presets.values(name), sent).items()
        if field in fields and getattr(body, field) == fields[field].get_default(call_default_factory=True)
    }
    # A preset is the host's own: it is taken as it is, whatever a client may send.
    downloads = context.presets.downloads(name)
    values = known_values(host_values(type(body), taken), context.catalog, [download.path for download in downloads])
    return body.model_copy(update=values), downloads


def _resolve_images(parameters: dict[str, Any], resolver: ImageResolver, urls: PublicUrls) -> None:
    """A reference in place of every image; all that can't be used are named at once."""
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
