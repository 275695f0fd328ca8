"""The answer about a file: its parameters as found, and the request that this host would accept for them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ...images.metadata.schemes.found import Metadata
from ..context import Context
from ..schemas.generate import CommonRequest
from ..schemas.host_request import extra_fields
from .draft import Draft, ModelMatch, UnmappedValue
from .mapping import fill_request
from .usable_fields import keep_usable

OTHER_PROGRAM = (
    "another program wrote the file: the image will differ, and Fooocus's further settings keep this host's defaults"
)
NOT_READ = "the parameters of this program are recognised, but not read"
NOTHING = "the file has no parameters; most programs write them only if that is switched on, and many sites remove them"


class GeneratorName(BaseModel):
    """The name and the version of a program."""

    name: str | None = Field(description="The program's name; null if the file does not name it.")
    version: str | None = Field(description="Its version.")


class ReadMetadataResponse(BaseModel):
    """Parameters in a file or a text, and a request that generates with them."""

    model_config = ConfigDict(protected_namespaces=())

    scheme: str | None = Field(
        description="The notation: `fooocus`, `a1111`, `log-html`, `fooocusplus`, `fooocus-mre`, `ruinedfooocus`, `invokeai`, "
        "`comfyui`, `novelai` or `swarmui`; null without parameters."
    )
    generator: GeneratorName = Field(description="The program that wrote the parameters.")
    source: str | None = Field(
        description="The place in the file: `png:parameters`, `exif:ifd0`, `exif:exif`, `jpeg:comment`, `text` and the like."
    )
    raw: str | None = Field(description="The text as it stands in the file, at most 65,536 characters.")
    parameters: dict[str, Any] = Field(
        description="The values as found, in types of JSON; model names as the file has them. The seed is a text of digits."
    )
    request: dict[str, Any] | None = Field(
        description="A body for `POST /v1/engine/generate/` that this host accepts; null if there is nothing to generate."
    )
    unmapped: list[UnmappedValue] = Field(description="Values that `request` does not have, each with the reason.")
    warnings: list[str] = Field(description="Reasons for which the image may differ, in words that may change.")
    models: list[ModelMatch] = Field(description="The model files that the parameters name, and those of this host.")


def answer_of(found: Metadata, model: type[CommonRequest], context: Context) -> ReadMetadataResponse:
    """Return the answer. Reads the host's lists: off the event loop.

    Args:
        model: the host's request model.
    """
    extra = extra_fields(context)
    own = {one.name: one.value for one in found.rest if one.name in extra}
    draft = Draft([one for one in found.rest if one.name not in own], found.warnings)
    if found.scheme is None:
        draft.warn(NOTHING)
    elif not found.can_repeat:
        draft.warn(NOT_READ)
    else:
        fill_request(draft, found, context.host.catalog, context.host.arguments.list_sizes().get("loras"))
        draft.set(**own)
        if not found.by_fooocus:
            draft.warn(OTHER_PROGRAM)
        keep_usable(draft, model, context)
    return ReadMetadataResponse(
        scheme=found.scheme,
        generator=GeneratorName(name=found.generator.name, version=found.generator.version),
        source=found.source,
        raw=found.raw,
        parameters=_as_json(dict(found.parameters.given())),
        request=draft.request or None,
        unmapped=draft.unmapped,
        warnings=draft.warnings,
        models=draft.models,
    )


def _as_json(parameters: dict[str, Any]) -> dict[str, Any]:
    loras = parameters.get("loras")
    return parameters if loras is None else {**parameters, "loras": [asdict(lora) for lora in loras]}
