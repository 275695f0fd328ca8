"""`/v1/engines/presets/{name}`: read, write and delete a preset."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ....asgi.problem import shortened
from ....auth.keys import Scope
from ....files.paths import is_device
from ....tasks.ports.presets import PresetsElsewhere, ProtectedPreset, TooManyPresets, UnknownPreset
from ...context import ApiContext, Context
from ...requests.json_body import JsonRoute
from ...requests.preset_body import preset_model, preset_values
from ...responses.problems import Problem, invalid_field, responses
from ...schemas.generate import CommonRequest
from ...security.authorization import require_scope
from ...validation.known_names import nearest_names

NAME = "[A-Za-z0-9]([A-Za-z0-9 ._-]{0,62}[A-Za-z0-9_-])?"
NAME_RULE = (
    "must have 1 to 64 letters, digits, spaces and . _ -, begin with a letter or digit, not end with a space or a dot, "
    "and not contain .json"
)


class PresetResponse(BaseModel):
    """A preset as fields of a request."""

    name: str = Field(description="The name, for `preset`.")
    editable: bool = Field(
        description="True if the API has written the preset, so that it can be replaced and deleted."
    )
    fields: dict[str, Any] = Field(
        description="The fields of a request that it sets; Fooocus's defaults apply to others."
    )


PresetName = Annotated[str, PathParameter(description="The preset's name.")]
NewPresetName = Annotated[
    str, PathParameter(description="The preset's name.", json_schema_extra={"pattern": f"^{NAME}$"})
]


def router(context: Context, request_type: type[CommonRequest]) -> APIRouter:
    """Return the router; `request_type` is the model of a generate request on the running host."""
    routes = APIRouter(tags=["catalog"], route_class=JsonRoute)
    model = preset_model(request_type, context.host.presets.fields())

    def put_preset(context: ApiContext, name: NewPresetName, body: Any) -> JSONResponse:
        """Write a preset of a request's fields; an existing one is replaced. Checkpoints, styles and other names must exist.

        The WebUI lists it when its page is loaded next. Presets of Fooocus and of the user can't be replaced.
        """
        _ = context.services
        _check_name(context, name)
        return _written(context, name, preset_values(body, request_type, context))

    put_preset.__annotations__["body"] = Annotated[model, Body()]
    routes.put(
        "/v1/engines/presets/{name}",
        summary="Write a preset",
        dependencies=[require_scope(Scope.ADMIN)],
        response_model=PresetResponse,
        responses={
            201: {"model": PresetResponse, "description": "The preset is new."},
            **responses(401, 409, 422, 503),
        },
    )(put_preset)
    routes.get("/v1/engines/presets/{name}", summary="Preset", responses=responses(401, 404))(get_preset)
    routes.delete(
        "/v1/engines/presets/{name}",
        summary="Delete a preset",
        status_code=204,
        dependencies=[require_scope(Scope.ADMIN)],
        responses=responses(401, 404, 409, 422, 503),
    )(delete_preset)
    return routes


def get_preset(context: ApiContext, name: PresetName) -> PresetResponse:
    """Return a preset's values as fields of a request. `initial` stands for Fooocus's configuration and sets none."""
    if name not in context.host.catalog.names("presets"):
        raise _no_preset(context, name)
    return _preset(context, name)


def delete_preset(context: ApiContext, name: PresetName) -> Response:
    """Delete a preset that the API has written. Tasks that were accepted with it keep its values."""
    try:
        context.host.presets.remove(name)
    except UnknownPreset as error:
        raise _no_preset(context, name) from error
    except ProtectedPreset as error:
        raise _protected(name, "deleted") from error
    except PresetsElsewhere as error:
        raise Problem(ErrorCode.API_UNAVAILABLE, str(error)) from error
    return Response(status_code=204)


def _written(context: Context, name: str, values: dict[str, Any]) -> JSONResponse:
    """Write a preset, and return it as it is read.

    Raises:
        Problem: 409, it is not one of the API's; 422, there are too many; 503, this process has no folder of presets.
    """
    try:
        is_new = context.host.presets.write(name, values)
    except ProtectedPreset as error:
        raise _protected(name, "replaced") from error
    except PresetsElsewhere as error:
        raise Problem(ErrorCode.API_UNAVAILABLE, str(error)) from error
    except TooManyPresets as error:
        message = "would be one preset too many; delete another one"
        raise invalid_field("name", FieldErrorCode.WRONG_COUNT, message) from error
    return JSONResponse(_preset(context, name).model_dump(), 201 if is_new else 200)


def _preset(context: Context, name: str) -> PresetResponse:
    presets = context.host.presets
    return PresetResponse(name=name, editable=presets.is_own(name), fields=presets.values(name))


def _check_name(context: Context, name: str) -> None:
    """Check a name for a preset that is to be written.

    Raises:
        InvalidFields: it is no file name on every system, or differs from a preset's in case alone.
    """
    if not re.fullmatch(NAME, name) or ".json" in name.lower() or is_device(name):
        raise invalid_field("name", FieldErrorCode.INVALID_FORMAT, NAME_RULE)
    for known in context.host.catalog.names("presets"):
        if known != name and known.casefold() == name.casefold():
            message = f"differs from the preset {known!r} in case alone; use its spelling, or another name"
            raise invalid_field("name", FieldErrorCode.CONFLICT, message, [known])


def _no_preset(context: Context, name: str) -> Problem:
    near = nearest_names(name, context.host.catalog.names("presets"))
    return Problem(ErrorCode.PRESET_NOT_FOUND, f"preset {shortened(name)!r} does not exist", nearest=near)


def _protected(name: str, action: str) -> Problem:
    message = f"preset {shortened(name)!r} can't be {action}, as the API has not written it; use another name"
    return Problem(ErrorCode.PRESET_PROTECTED, message)
