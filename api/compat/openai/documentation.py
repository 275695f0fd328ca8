"""The documentation that the routes for images have in common: their bodies, headers and errors."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from ....images.codecs.input_formats import ANY, MEDIA_TYPES
from ....images.storage.input_store import MAX_BYTES
from ...responses.problems import ERROR_HEADERS, header
from .bodies import EditBody, GenerationBody, ImagesBody, VariationBody

_TEXT: dict[str, Any] = {"type": "string"}
_TEXT_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {"message": _TEXT, "type": _TEXT, "param": _TEXT_OR_NULL, "code": _TEXT_OR_NULL},
        }
    },
}
"""JSON Schema of an error."""
HEADERS = {
    "X-Task-Id": header("The id of the task.", required=True),
    "X-Fooocus-Model": header("The checkpoint that generates the images, percent-encoded.", required=True),
    "X-Ignored-Fields": header("Fields of the request that are unknown or have no effect."),
}
FILE: dict[str, Any] = {
    "type": "string",
    "format": "binary",
    "description": f"A {ANY} file of up to {MAX_BYTES // 2**20} MiB.",
}
REFERENCE: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "description": "A URL, a data URI or base64."},
        {
            "type": "object",
            "required": ["image_url"],
            "properties": {"image_url": {"type": "string", "description": "A URL or a data URI."}},
        },
    ]
}
EDIT_TEXT = "The image. With several, the first is edited and the others are image prompts."
MASK_TEXT = "Transparent areas are generated again; without transparency white ones, if the rest is black."


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can end with these errors, in OpenAI's shape."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": ERROR}},
            "headers": ERROR_HEADERS.get(status, {}),
        }
        for status in statuses
    }


def json_content(model: type[ImagesBody], **images: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI `content` of a JSON body with further members."""
    return {"application/json": {"schema": _schema(model, images, [name for name in images if name != "mask"])}}


def form_content(model: type[ImagesBody], **files: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI `content` of a form with files."""
    kinds = {name: {"contentType": ", ".join(MEDIA_TYPES)} for name in files}
    schema = _schema(model, files, [name for name in files if name != "mask"])
    return {"multipart/form-data": {"schema": schema, "encoding": kinds}}


def stream_content(model: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI `content` of a stream whose events carry JSON of a model."""
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": model.model_json_schema()}
    event = {"type": "object", "properties": {"data": data, "event": {"type": "string"}}}
    return {"text/event-stream": {"itemSchema": event}}


def _schema(model: type[ImagesBody], members: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = model.model_json_schema()
    schema["properties"] = {**members, **schema["properties"]}
    schema["required"] = [*required, *schema.get("required", ())]
    return schema


GENERATION = {"requestBody": {"required": True, "content": json_content(GenerationBody)}}
EDIT_FORM = {
    "image": {"anyOf": [FILE, {"type": "array", "items": FILE}], "description": EDIT_TEXT},
    "mask": {**FILE, "description": MASK_TEXT},
}
EDIT_JSON = {
    "images": {"type": "array", "items": REFERENCE, "minItems": 1, "description": EDIT_TEXT},
    "mask": {**REFERENCE, "description": MASK_TEXT},
}
EDIT = {
    "requestBody": {
        "required": True,
        "content": {**form_content(EditBody, **EDIT_FORM), **json_content(EditBody, **EDIT_JSON)},
    }
}
VARIATION = {"requestBody": {"required": True, "content": form_content(VariationBody, image=FILE)}}
"""OpenAPI of the routes' bodies."""
