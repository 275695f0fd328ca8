"""What `GET /v1/openapi.json` says: FastAPI's description of the routes, and what FastAPI can't know of them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .auth import LINK, TOKEN, schemes_for
from .context import Catalog, Context
from .errors import PROBLEM, FieldError, ProblemDetails, header
from .links import LINKED
from .names import HEADER
from .routes.health import OPEN_PATHS
from .schemas.event import DroppedEvent, StreamMessage, TaskEvent
from .schemas.items import EnhanceControl

ALLOWED = {
    "Lora": {"model_name": "loras"},
    "ImagePrompt": {"cn_type": "control_types"},
    "EnhanceControl": EnhanceControl.CATALOGS,
}
"""Entries of lists → their fields whose values the host lists."""
UNSEEN = (ProblemDetails, FieldError, TaskEvent, DroppedEvent, StreamMessage)
"""Shapes that are in no route's signature."""
NO_TOKEN = frozenset({"/metrics"})
"""Paths that are read and that no token opens."""


def describe(app: FastAPI, context: Context) -> dict[str, Any]:
    """The schema, made anew at each call: the models and styles it lists may have changed, and whether a key is needed."""
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        license_info=app.license_info,
        servers=[{"url": "..", "description": "This server, under whatever path a proxy gives it."}],
    )
    _add_shapes(schema["components"]["schemas"])
    _add_allowed(schema["components"]["schemas"], context.catalog)
    schemes = schemes_for(context.keys, context.login)
    if schemes:
        schema["components"]["securitySchemes"] = schemes
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _without_fastapis_422(operation["responses"])
            _add_header_of_names(operation["responses"])
            for parameter in operation.get("parameters", []):
                parameter["schema"] = _never_null(parameter["schema"])
            if schemes and path not in OPEN_PATHS:
                opens = {LINK: path.startswith(LINKED), TOKEN: method == "get" and path not in NO_TOKEN}
                operation["security"] = [{name: []} for name in schemes if opens.get(name, True)]
    return schema


def _add_shapes(components: dict[str, Any]) -> None:
    for model in UNSEEN:
        components[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, part in components[model.__name__].pop("$defs", {}).items():
            components.setdefault(name, part)
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)


def _add_allowed(components: dict[str, Any], catalog: Catalog) -> None:
    """Add what the host allows now to the entries of a request's lists."""
    for model, fields in ALLOWED.items():
        for name, kind in fields.items():
            components[model]["properties"][name]["enum"] = catalog.names(kind)


def _without_fastapis_422(responses: dict[str, Any]) -> None:
    """FastAPI adds one to every route with a parameter, also where that is a text that can't be wrong."""
    if PROBLEM not in responses.get("422", {}).get("content", {PROBLEM: None}):
        del responses["422"]


def _add_header_of_names(responses: dict[str, Any]) -> None:
    """Add the header that any answer may have."""
    for status, response in responses.items():
        if status.startswith("2"):
            response.setdefault("headers", {}).setdefault(
                HEADER, header("Names in the request that are unknown, or that can't count.")
            )


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out; there is no way to write null in a URL or a header."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        return {**{name: value for name, value in schema.items() if name != "anyOf"}, **kinds[0]}
    return {**schema, "anyOf": kinds} if kinds else schema
