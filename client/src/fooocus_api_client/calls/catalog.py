"""Calls about what the server has: models, styles, presets, and the server itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ..schema.catalog import Info, ModelFile, ModelNames, Preset, Style
from ..wire.errors import UnexpectedAnswer
from ..wire.request import Answer, Call, Request, parsed, reader


def info() -> Call[Info]:
    """Read the versions and the features."""
    return Call(Request("GET", "/v1/info"), reader(Info))


def openapi() -> Call[dict[str, Any]]:
    """Read the schema, with the defaults and the allowed values of this server."""

    def read(answer: Answer) -> dict[str, Any]:
        found = answer.json()
        if not isinstance(found, dict):
            raise UnexpectedAnswer("the schema is not a JSON object")
        return found

    return Call(Request("GET", "/v1/openapi.json"), read)


def model_names() -> Call[ModelNames]:
    """List checkpoints, LoRAs and VAEs by name."""
    return Call(Request("GET", "/v1/engines/all-models"), reader(ModelNames))


def model_files() -> Call[list[ModelFile]]:
    """List model files with kind, size, time and hash."""

    def read(answer: Answer) -> list[ModelFile]:
        return [parsed(ModelFile, one) for one in _entries(answer)]

    return Call(Request("GET", "/v1/engines/models"), read)


def names(catalog: str) -> Call[list[str]]:
    """List names, such as those of `styles` or `samplers`."""

    def read(answer: Answer) -> list[str]:
        return [str(name) for name in _entries(answer)]

    return Call(Request("GET", f"/v1/engines/{quote(catalog, safe='')}"), read)


def style(name: str) -> Call[Style]:
    """Read a style's templates."""
    return Call(Request("GET", f"/v1/engines/styles/{quote(name, safe='')}"), reader(Style))


def preset(name: str) -> Call[Preset]:
    """Read a preset as fields of a request."""
    return Call(Request("GET", f"/v1/engines/presets/{quote(name, safe='')}"), reader(Preset))


def _entries(answer: Answer) -> list[Any]:
    found = answer.json()
    if not isinstance(found, list):
        raise UnexpectedAnswer(f"{answer.url} answered no list; check the server's URL")
    return found
