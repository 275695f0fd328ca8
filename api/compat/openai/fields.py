"""Fields of OpenAI's requests, and those that clients of other servers add, in terms of a generate request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from ....asgi.error_codes import FieldErrorCode
from ....asgi.problem import shortened
from ....tasks.model.workload.model_files import listed_as
from ...context import Catalog, Context
from ...requests.json_body import read_json
from ...responses.problems import FieldError, InvalidFields, invalid_field
from ...schemas.generate import CommonRequest
from ...validation.sizes import FIELDS as SIZE_FIELDS
from ...validation.webui_names import sampler_and_scheduler
from ..sizes import ImpossibleSize, SizePlan, plan_size
from .bodies import PICTURES, REFUSED, GenerationBody, ImagesBody, StreamedBody, without_nothing
from .models import chosen_model

OTHER_NAMES = {
    "seed": "image_seed",
    "steps": "overwrite_step",
    "step": "overwrite_step",
    "num_inference_steps": "overwrite_step",
    "cfg_scale": "guidance_scale",
    "sampler": "sampler_name",
    "scheduler": "scheduler_name",
}
"""Names by which clients of LocalAI, vLLM and others send a field → Fooocus's."""
FORM_OF_RESPONSE = frozenset({"stream_output", "async_process", "require_base64"})
"""Fields of a generate request without effect here, as OpenAI's decide on the form of the response."""
QUALITIES = {"Quality": "high", "Speed": "medium"}
"""Performance → the quality that a response names; `low` for all others."""
PERFORMANCES = {
    "standard": "Speed",
    "medium": "Speed",
    "high": "Quality",
    "hd": "Quality",
    "xhigh": "Quality",
    "max": "Quality",
}
FASTEST = ("Lightning", "Hyper-SD", "Extreme Speed")
"""Performances of few steps. Fooocus downloads the LoRA of one if it is missing."""
FROM_A_STYLE_ON = ("Fooocus Enhance", "Fooocus Sharp")
"""Styles that `natural` omits."""
_SIZE = re.compile(r"([0-9]{1,5})[xX×*]([0-9]{1,5})", re.ASCII)


@dataclass(frozen=True)
class Fields:
    """A request's fields as `values` of a generate request.

    `names` are the client's names, by those of the generate request, for errors; `ignored` those without effect.
    """

    values: dict[str, Any]
    names: dict[str, str]
    ignored: tuple[str, ...]


def fields_of(body: ImagesBody, context: Context, model: type[CommonRequest]) -> Fields:
    """Return a request's fields, without its size and its images. May read the folders of models: off the event loop.

    A field of Fooocus's own takes precedence over OpenAI's.

    Raises:
        InvalidFields: names the fields that Fooocus can't apply.
    """
    extra = {
        name: value
        for name, value in (body.model_extra or {}).items()
        if (without_nothing(value) if name in OTHER_NAMES else value) is not None
    }
    _refuse(extra, pictures=isinstance(body, GenerationBody))
    values, names, ignored = _own(body, context, model)
    catalog = context.host.catalog
    for name, value in extra.items():
        known = OTHER_NAMES.get(name, name)
        if known not in model.model_fields or known in FORM_OF_RESPONSE or known == "image_number":
            ignored.append(name)
        elif name == known or known not in extra:
            values |= _converted(known, value, model, catalog)
            names[known] = name
    return Fields(values, names, tuple(ignored))


def _refuse(extra: Mapping[str, Any], *, pictures: bool) -> None:
    """Refuse fields that would change the image: those of videos and drawings, and `pictures` next to a prompt."""
    errors = []
    for name, value in extra.items():
        plain = name.partition("[")[0]
        if plain in REFUSED:
            message = "is not supported, as Fooocus generates still images of pixels; omit it"
        elif pictures and plain in PICTURES and value:
            message = "is a picture, but this path generates from the prompt alone; send it to /v1/images/edits"
        else:
            continue
        errors.append(FieldError(field=shortened(name, 60), code=FieldErrorCode.UNKNOWN_FIELD, message=message))
    if errors:
        raise InvalidFields(errors)


def _own(
    body: ImagesBody, context: Context, model: type[CommonRequest]
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Return the values of OpenAI's fields, their names, and the names of those without effect."""
    values: dict[str, Any] = {"prompt": "", "image_number": body.n or 1}
    names = {"image_number": "n", "base_model_name": "model", "preset": "model"}
    ignored = ["user"] if body.user is not None else []
    values |= chosen_model(body.model, context)
    if not isinstance(body, StreamedBody):
        return values, names, ignored
    values["prompt"] = body.prompt
    names |= {"performance_selection": "quality", "style_selections": "style"}
    if body.output_format is not None:
        values["output_format"] = body.output_format.replace("jpg", "jpeg")
    performance = performance_of(body.quality, context.host.catalog)
    if performance is not None:
        values["performance_selection"] = performance
    elif body.quality not in (None, "auto"):
        ignored.append("quality")
    if isinstance(body, GenerationBody) and body.style == "natural":
        default = model.model_fields["style_selections"].get_default(call_default_factory=True)
        values["style_selections"] = [style for style in default if style not in FROM_A_STYLE_ON]
    ignored += [name for name in ("moderation", "complexity") if getattr(body, name) is not None]
    if body.output_compression is not None and not (body.is_base64 or body.stream):
        ignored.append("output_compression")
    if body.partial_images and not body.stream:
        ignored.append("partial_images")
    return values, names, ignored


def performance_of(quality: str | None, catalog: Catalog) -> str | None:
    """Return the performance of a quality, None for the default one.

    `low` is the first of FASTEST whose LoRA is in its folder, as a download would delay the request by minutes.
    """
    if quality is None or quality == "auto":
        return None
    known = catalog.names("performances")
    if quality == "low":
        loras = catalog.names("loras")
        files = {one.name: one.lora for one in catalog.performances()}
        return next((one for one in FASTEST if one in known and listed_as(files.get(one) or "", loras)), None)
    wanted = PERFORMANCES[quality]
    return wanted if wanted in known else None


def _converted(name: str, value: Any, model: type[CommonRequest], catalog: Catalog) -> dict[str, Any]:
    """Return a field of a generate request with the value that a client sent, which is text in a form."""
    if isinstance(value, str) and get_origin(model.model_fields[name].annotation) in (list, dict):
        return {name: _parsed(name, value)}
    if name == "sampler_name" and isinstance(value, str) and value not in catalog.names("samplers"):
        sampler, scheduler = sampler_and_scheduler(
            shortened(value), catalog.names("samplers"), catalog.names("schedulers")
        )
        if sampler is not None:
            return {name: sampler, **({"scheduler_name": scheduler} if scheduler else {})}
    return {name: value}


def _parsed(name: str, text: str) -> Any:
    """Return the list or object that a form has as JSON."""
    try:
        return read_json(text.encode("utf-8", "replace"))
    except InvalidFields as error:
        (reason,) = error.errors
        message = f'{reason.message}; write a list as ["a", "b"]'
        raise invalid_field(name, FieldErrorCode.INVALID_JSON, message) from error


def planned_size(body: ImagesBody, fields: Fields, context: Context) -> SizePlan | None:
    """Return the plan for the size that a request asks for, None without one or with a size in fields of Fooocus's own.

    Raises:
        InvalidFields: no image can have the size.
    """
    if body.size is None or body.size.lower() == "auto" or is_sized_natively(fields):
        return None
    match = _SIZE.fullmatch(body.size.strip())
    if match is None:
        message = f"{shortened(body.size, 40)!r} is not a size; write width and height in pixels as 1024x1024, or auto"
        raise invalid_field("size", FieldErrorCode.INVALID_FORMAT, message)
    try:
        return plan_size((int(match[1]), int(match[2])), context.host.catalog.names("aspect_ratios"))
    except ImpossibleSize as error:
        raise invalid_field("size", FieldErrorCode.OUT_OF_RANGE, str(error)) from error


def is_sized_natively(fields: Fields) -> bool:
    """Return whether the request has its size in fields of Fooocus's own, which take precedence."""
    return not SIZE_FIELDS.isdisjoint(fields.values)


def renamed(error: FieldError, names: dict[str, str]) -> FieldError:
    """Return an error of a generate request's field with the client's name of that field."""
    own, rest = re.match(r"([^.\[]*)(.*)", error.field, re.DOTALL).groups()  # type: ignore[union-attr]
    if own not in names or names[own] == own:
        return error
    return error.model_copy(update={"field": f"{names[own]}{'' if names[own] in ('image', 'mask', 'size') else rest}"})
