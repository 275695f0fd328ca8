"""The body of `PUT /v1/engines/presets/{name}`: the fields of a request that a preset can hold, checked like a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from ...asgi.error_codes import FieldErrorCode
from ...asgi.problem import shortened
from ..context import Context
from ..responses.problems import FieldError, InvalidFields
from ..schemas.generate import CommonRequest
from ..validation.known_names import with_listed_names
from ..validation.nearest_names import MAX_NAME_LENGTH
from ..validation.sizes import FIELDS as SIZE_FIELDS
from ..validation.sizes import RATIO, SIDES, with_size
from ..validation.validation import check
from .fields.aliases import our_name
from .fields.ignored import unknown_fields


class PresetBody(BaseModel):
    """Fields of a generation request. A field that is omitted keeps the value of Fooocus's configuration."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, protected_namespaces=())


def preset_model(model: type[CommonRequest], fields: frozenset[str]) -> type[PresetBody]:
    """Return the model of a body with these fields of the running host's request model."""
    own: dict[str, Any] = {
        name: (field.annotation, field) for name, field in model.model_fields.items() if name in fields
    }
    return create_model("PresetBody", __base__=PresetBody, __doc__=PresetBody.__doc__, **own)


def preset_values(body: PresetBody, model: type[CommonRequest], context: Context) -> dict[str, Any]:
    """Return the fields of a preset in the host's spelling. Off the event loop.

    Raises:
        InvalidFields: names every wrong field and what is allowed.
    """
    known = type(body).model_fields
    given = {name: getattr(body, name) for name in known if name in body.model_fields_set}
    errors = list(_not_in_presets(body, model))
    request = model(**given)
    sized, wrong_sizes = with_size(request, context.host.catalog.names("aspect_ratios"))
    sized = with_listed_names(sized, context)
    try:
        check(sized, context, found=[*errors, *wrong_sizes, *_one_side(request, sized)])
    except InvalidFields as error:
        # Of the fields that the body omits, the host's configuration may have invalid values.
        errors = [one for one in error.errors if _root(one.field) in {*given, *(body.model_extra or {}), *SIZE_FIELDS}]
    if errors:
        raise InvalidFields(errors)
    values = {name: getattr(sized, name) for name in given if name not in SIZE_FIELDS}
    if "loras" in values:
        values["loras"] = [lora.model_dump() for lora in values["loras"]]
    if SIZE_FIELDS & given.keys():
        values.update(_size(sized, given))
    return values


def _size(sized: CommonRequest, given: dict[str, Any]) -> dict[str, Any]:
    if all(getattr(sized, side) > 0 for side in SIDES):
        return {side: getattr(sized, side) for side in SIDES}
    return {RATIO: getattr(sized, RATIO)} if RATIO in given else {}


def _one_side(request: CommonRequest, sized: CommonRequest) -> Iterator[FieldError]:
    """Yield an error for a side without the other: a request takes that from its aspect ratio, a preset has one size."""
    missing = [side for side in SIDES if getattr(sized, side) <= 0]
    if len(missing) == 1:
        (given,) = set(SIDES) - set(missing)
        if getattr(request, given) > 0:
            yield FieldError(field=given, code=FieldErrorCode.NEEDS_FIELD, message=f"needs {missing[0]} in a preset")


def _not_in_presets(body: PresetBody, model: type[CommonRequest]) -> Iterator[FieldError]:
    """Yield an error for each member that a preset of the API can't hold, also in the LoRAs."""
    known = type(body).model_fields
    for name in sorted(body.model_extra or {}):
        path = shortened(name, MAX_NAME_LENGTH)
        if name.endswith("_downloads"):
            message = "can't be written by the API, as the WebUI downloads any file that it names; omit it"
            yield FieldError(field=path, code=FieldErrorCode.UNKNOWN_FIELD, message=message)
        elif name in model.model_fields:
            message = "has no effect in a preset; omit it, and send it with the request"
            yield FieldError(field=path, code=FieldErrorCode.NO_EFFECT, message=message)
        else:
            yield _unknown(path, our_name(name.removeprefix("default_"), "", known))
    request = model.model_construct(loras=getattr(body, "loras", []))
    for one in unknown_fields(request):
        if one.place == "loras":
            yield _unknown(one.path, our_name(one.name, one.place, one.model.model_fields))


def _unknown(path: str, near: str | None) -> FieldError:
    message = f"unknown field; did you mean {near}?" if near else "unknown field; omit it"
    return FieldError(field=path, code=FieldErrorCode.UNKNOWN_FIELD, message=message, allowed=[near] if near else None)


def _root(path: str) -> str:
    return path.partition("[")[0].partition(".")[0]
