"""Builds the schema of `GET /v1/openapi.json`: FastAPI's, extended by what FastAPI can't derive from the routes."""

from __future__ import annotations

import functools
import json
import threading
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ..asgi.error_codes import ErrorCode, FieldErrorCode
from ..auth.signed_urls import LINKED
from .context import Catalog, Context
from .requests.batches.combinations import Combination
from .requests.parameter_names import HEADER
from .responses.problems import FieldError, ProblemDetails, header
from .routes.queue.schemas import DeletedEvent, ModelEvent, MovedEvent, QueueEvent, SampleModel
from .schemas.batch import BatchResult
from .schemas.events import DroppedEvent, StreamMessage, TaskEvent
from .schemas.generate import CommonRequest
from .schemas.items import EnhanceControl
from .security.authentication import LINK, TOKEN, security_schemes
from .security.open_paths import OPEN_PATHS, SESSION

ALLOWED = {
    "Lora": {"model_name": "loras"},
    "ImagePrompt": {"cn_type": "control_types"},
    "EnhanceControl": EnhanceControl.CATALOGS,
}
"""Model of a list's items → its fields with values that the host lists → their catalogs."""
EXTRA_SCHEMAS = (
    *(ProblemDetails, FieldError, TaskEvent, DroppedEvent, StreamMessage, Combination, BatchResult),
    *(QueueEvent, DeletedEvent, MovedEvent, ModelEvent, SampleModel),
)
"""Models that no route's signature contains."""
FASTAPIS_ERROR = {"$ref": "#/components/schemas/HTTPValidationError"}
"""Schema of the body of FastAPI's own 422."""
NO_TOKEN = ("/metrics", "/v1/engine/model-files", "/v1/keys")
"""Beginnings of the paths for GET that do not accept a token: they need the scope admin, which no token has."""

LARGEST_INTEGER = 2**63 - 1
"""The largest bound of an integer in any field."""

_BUILDING = threading.Lock()


def build_schema(app: FastAPI, context: Context) -> dict[str, Any]:
    """Return the schema. The listed models and styles and the need for a key are those of now; the rest is built once."""
    schema: dict[str, Any] = json.loads(_of_routes(app))
    _add_allowed(schema["components"]["schemas"], context.host.catalog)
    _add_security(schema, context)
    return schema


def build_surface_schema(app: FastAPI, context: Context) -> dict[str, Any]:
    """Return the schema of a compatible API, whose errors have a shape of their own."""
    schema: dict[str, Any] = json.loads(_of_surface(app))
    schema.setdefault("components", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schema["components"].get("schemas", {}).pop(unused, None)
    _add_security(schema, context)
    return schema


@functools.lru_cache(maxsize=1)
def _of_routes(app: FastAPI) -> bytes:
    """Return what the routes alone decide of the schema, as JSON. FastAPI needs a second for it."""
    build = partial(
        get_openapi,
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        license_info=app.license_info,
        servers=[{"url": "..", "description": "This server, under the path that a proxy gives it."}],
    )
    with _BUILDING:
        try:
            schema = build()
        except KeyError:
            # A first request has made FastAPI's cached fields of its parameters at the same time: from now on they stay.
            schema = build()
    _add_shapes(schema["components"]["schemas"])
    _with_whole_bounds(schema)
    return json.dumps(schema).encode()


@functools.lru_cache(maxsize=4)
def _of_surface(app: FastAPI) -> bytes:
    """Return what a compatible API's routes alone decide of its schema, as JSON."""
    schema = get_openapi(title=app.title, version=app.version, routes=app.routes, servers=[{"url": "../.."}])
    return json.dumps(schema).encode()


def _add_security(schema: dict[str, Any], context: Context) -> None:
    """Add the ways to send a key, and what FastAPI can't derive of each operation."""
    schemes = security_schemes(context.security.keys, context.security.login)
    if schemes:
        schema["components"]["securitySchemes"] = schemes
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _without_fastapis_422(operation["responses"])
            _add_header_of_names(operation["responses"])
            for parameter in operation.get("parameters", []):
                parameter["schema"] = _drop_null(parameter["schema"])
            if schemes and path not in OPEN_PATHS:
                opens = {LINK: path.startswith(LINKED), TOKEN: method == "get" and not path.startswith(NO_TOKEN)}
                without: list[dict[str, Any]] = [{}] if path == SESSION else []
                operation["security"] = without + [{name: []} for name in schemes if opens.get(name, True)]


def _add_shapes(components: dict[str, Any]) -> None:
    for model in EXTRA_SCHEMAS:
        components[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, part in components[model.__name__].pop("$defs", {}).items():
            components.setdefault(name, part)
    for codes in (ErrorCode, FieldErrorCode):
        meanings = "\n".join(f"- `{code.value}`: {code.meaning}" for code in codes)
        components[codes.__name__]["description"] = f"{components[codes.__name__]['description']}\n\n{meanings}"
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)


def _with_whole_bounds(part: Any) -> None:
    """Make the bounds of integers integers. FastAPI makes them floats, of which those near 2**63 are others."""
    if isinstance(part, list):
        for item in part:
            _with_whole_bounds(item)
    elif isinstance(part, dict):
        for name in ("minimum", "maximum") if part.get("type") == "integer" else ():
            if isinstance(part.get(name), float):
                part[name] = min(int(part[name]), LARGEST_INTEGER)
        for item in part.values():
            _with_whole_bounds(item)


def _add_allowed(components: dict[str, Any], catalog: Catalog) -> None:
    """Set the values that the host allows now: presets and model files come and go."""
    for model, fields in ALLOWED.items():
        for name, kind in fields.items():
            components[model]["properties"][name]["enum"] = catalog.names(kind)
    known = {kind: catalog.names(kind) for kind in CommonRequest.CATALOGS.values()}
    for component in components.values():
        for name, field in component.get("properties", {}).items():
            listed = field.get("items", field)
            if name in CommonRequest.CATALOGS and "enum" in listed:
                listed["enum"] = known[CommonRequest.CATALOGS[name]]


def _without_fastapis_422(responses: dict[str, Any]) -> None:
    """Remove FastAPI's own 422, which it adds to every route with a parameter, even a text that can't be invalid."""
    for content in responses.get("422", {}).get("content", {}).values():
        if content.get("schema") == FASTAPIS_ERROR:
            del responses["422"]
            return


def _add_header_of_names(responses: dict[str, Any]) -> None:
    """Add `X-Ignored-Fields`, which any successful response may have."""
    for status, response in responses.items():
        if status.startswith("2"):
            response.setdefault("headers", {}).setdefault(
                HEADER, header("Names in the request that are unknown or have no effect.")
            )


def _drop_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema without null, which a URL or a header can't contain: an optional parameter is omitted."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        return {**{name: value for name, value in schema.items() if name != "anyOf"}, **kinds[0]}
    return {**schema, "anyOf": kinds} if kinds else schema
