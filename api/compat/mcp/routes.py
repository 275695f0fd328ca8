"""`POST /mcp`: the one route of the protocol, and its documentation."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ...context import Context
from ...requests.parameter_names import NamingRoute
from ...schemas.generate import CommonRequest
from .protocol.messages import MAX_ID_LENGTH
from .server import McpServer

ID: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]}
ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["jsonrpc", "id", "error"],
    "properties": {
        "jsonrpc": {"type": "string", "enum": ["2.0"]},
        "id": ID,
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "data": {"type": "object"}},
        },
    },
}
RESULT: dict[str, Any] = {
    "type": "object",
    "required": ["jsonrpc", "id", "result"],
    "properties": {"jsonrpc": {"type": "string", "enum": ["2.0"]}, "id": ID, "result": {"type": "object"}},
}
MESSAGE: dict[str, Any] = {
    "type": "object",
    "required": ["jsonrpc", "method"],
    "properties": {
        "jsonrpc": {"type": "string", "enum": ["2.0"]},
        "id": {
            "anyOf": [
                {"type": "string", "maxLength": MAX_ID_LENGTH},
                {"type": "integer"},
            ]
        },
        "method": {"type": "string"},
        "params": {"type": ["object", "null"], "properties": {"_meta": {"type": "object"}}},
    },
    "example": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
}
DESCRIPTION = """One message of the Model Context Protocol, of the versions 2024-11-05 to 2026-07-28. A request is answered with a
JSON-RPC response; a call of a tool that takes long with server-sent events if `Accept` names them. Errors are JSON-RPC errors
whose `data.code` is the code of a problem document. A tool needs the scope of the API's route that does the same."""


def _error(description: str, **headers: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": ERROR}}, "headers": headers}


RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The result or the error of a request.",
        "content": {
            "application/json": {"schema": {"anyOf": [RESULT, ERROR]}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    },
    202: {"description": "A notification was accepted."},
    400: _error("The body is no message, or its headers or its version do not fit."),
    401: _error(
        "The key is missing or wrong.", **{"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
    ),
    403: _error("The page or the host name is not allowed."),
    404: _error("The method is unknown."),
    413: _error("The body is too large."),
    415: _error("The body is of another type than JSON."),
    429: _error("The key has sent too many requests in a minute."),
    500: _error("The API failed."),
    503: _error("The server can't answer now."),
}


class McpRoute(NamingRoute):
    """A route whose body the server reads. Unknown query parameters have no effect on a message."""

    @property
    def acts(self) -> bool:
        return False


def routers(context: Context, model: type[CommonRequest]) -> list[APIRouter]:
    """Return the routers; `model` is that of a generate request on the running host."""
    server = McpServer(context, model)
    routes = APIRouter(tags=["mcp"], route_class=McpRoute)

    async def post_message(request: Request) -> Response:
        return await server.answer(request)

    routes.post(
        "/mcp",
        summary="Message of the Model Context Protocol",
        description=DESCRIPTION,
        response_class=Response,
        responses=RESPONSES,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": MESSAGE}}}},
    )(post_message)
    return [routes]
