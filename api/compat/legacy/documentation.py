"""Texts and schemas of Fooocus-API's routes for the OpenAPI document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from ....images.codecs.input_formats import MEDIA_TYPES
from ...responses.problems import ERROR_HEADERS, header
from .answers import LegacyError, LegacyImage, LegacyJob
from .requests.forms import ENHANCEMENTS, IMAGES, LISTS

ACCEPT = "`image/png` for the image itself; takes precedence over the `Accept` header."
GENERATION = """Generates images, and answers in one of three forms:

1. `async_process: true`: the job at once.
2. `Accept: image/png`, or `?accept=image/png`: the image itself; one is generated.
3. Otherwise: the list of the images when they are finished.

What Fooocus-API replaces by a default is replaced here, too: unknown models, styles, samplers and the like. `X-Ignored-Fields`
names it, and all other members without an effect."""
TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}
FULL = {
    "description": "The queue is full, or the key's quota is reached: a list or a job with `QUEUE_IS_FULL`, or a sentence.",
    "headers": ERROR_HEADERS[429],
    "model": list[LegacyImage] | LegacyJob | LegacyError,
}
IGNORED = {"X-Ignored-Fields": header("The names of ignored members, separated by commas.")}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can end with these errors."""
    return {
        status: {
            "model": LegacyError,
            "description": HTTPStatus(status).phrase,
            "headers": ERROR_HEADERS.get(status, {}),
        }
        for status in statuses
    }


def generation_responses() -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that generates."""
    return {
        **errors(403, 413, 415, 422, 503),
        200: {"content": {"image/png": {}}, "description": "The images, the job, or the image.", "headers": IGNORED},
        400: {
            "model": list[LegacyImage] | LegacyError,
            "description": "The job was stopped before it had an image.",
            **TEXT,
        },
        409: {"description": "The queue is full, and an image was requested.", "headers": ERROR_HEADERS[429], **TEXT},
        429: FULL,
        500: {"model": LegacyError, "description": "Fooocus failed.", **TEXT},
    }


def form_content(body: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI content of a form with the members of a body."""
    properties: dict[str, Any] = {}
    for name, field in body.model_json_schema()["properties"].items():
        plain: dict[str, Any] = next(
            (one for one in field.get("anyOf", [field]) if one.get("type") not in ("null", None)), {}
        )
        text = field.get("description", "")
        if name in IMAGES:
            properties[name] = {**_FILE, "description": text}
        elif name == "image_prompts":
            properties.update(_image_prompts())
        elif name == "enhance_ctrlnets":
            properties.update(_enhancements(body))
        elif name in ("loras", "advanced_params"):
            properties[name] = {"type": "string", "description": f"{text} As JSON."}
        elif name in LISTS:
            properties[name] = {"type": "array", "items": {"type": "string"}, "description": text}
        else:
            properties[name] = {**plain, "description": text}
    kinds = {name: {"contentType": ", ".join(MEDIA_TYPES)} for name, schema in properties.items() if "format" in schema}
    return {"multipart/form-data": {"schema": {"type": "object", "properties": properties}, "encoding": kinds}}


_FILE = {"type": "string", "format": "binary"}


def _image_prompts() -> dict[str, Any]:
    number = {"type": "number", "minimum": 0}
    return {
        name: schema
        for place in range(1, 5)
        for name, schema in (
            (f"cn_img{place}", _FILE),
            (f"cn_stop{place}", {**number, "maximum": 1}),
            (f"cn_weight{place}", {**number, "maximum": 2}),
            (f"cn_type{place}", {"type": "string"}),
        )
    }


def _enhancements(body: type[BaseModel]) -> dict[str, Any]:
    (item, _) = body.model_fields["enhance_ctrlnets"].annotation.__args__  # type: ignore[union-attr]
    members = item.__args__[0].model_json_schema(by_alias=False)["properties"]
    return {f"{name}_{place}": schema for place in ENHANCEMENTS for name, schema in members.items()}
