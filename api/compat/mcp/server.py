"""Answers messages: the methods of the protocol that this server has."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import ExitStack, nullcontext
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from ....asgi.error_codes import ErrorCode
from ....auth.keys import Scope
from ...context import Context
from ...requests.json_body import BufferedRequest
from ...requests.memory_budget import BODY_BUDGET, Reservation
from ...responses.problems import Problem
from ...schemas.generate import CommonRequest
from ...security.authorization import access_of
from ...security.event_streams import HEADERS as STREAM_HEADERS
from .protocol.calls import Call, CallKey, RunningCalls
from .protocol.eras import SERVER, VERSIONS, Era, era_of
from .protocol.errors import PARSE_ERROR, RequestId, RpcError, error_body
from .protocol.messages import RpcMessage, message_of, quoted, result_body
from .protocol.responses import event, streamed, whole
from .tools.arguments import checked
from .tools.results import REFUSALS, refusal_result
from .tools.table import TOOLS, tools_for
from .tools.tool import Tool

FRESH_S = 60
"""Seconds for which clients may keep the list of tools."""
SESSION_HEADER = "mcp-session-id"
MAX_SESSION_LENGTH = 200
CAPABILITIES: dict[str, Any] = {"tools": {"listChanged": False}}
INSTRUCTIONS = """Generates and edits images with Fooocus on the user's own machine. Prompts are in English. Usually a prompt is \
enough; a style from list_styles changes the look. Show the user the image, or give the URL from the text of the result. If a \
call is cut off, get_task returns its images."""


class McpServer:
    """Answers the messages that are sent to `/mcp`. It keeps no sessions: each message stands alone.

    The id of a session, which a client gets, only distinguishes its calls from those of other clients when one is cancelled.
    """

    def __init__(self, context: Context, model: type[CommonRequest]) -> None:
        self._context = context
        self._model = model
        self._running = RunningCalls()

    async def answer(self, request: Request) -> Response:
        """Return the response to one POST.

        Raises:
            Problem: the body is too large, not JSON, or of another type.
        """
        with ExitStack() as held:
            buffered = BufferedRequest(request.scope, request.receive)
            reservation = held.enter_context(BODY_BUDGET.reservation())
            held.callback(buffered.forget)
            request_id: RequestId | None = None
            try:
                message = message_of(await _content(buffered, reservation))
                request_id = message.request_id
                era = era_of(message, request.headers)
                if request_id is None:
                    return self._noted(request, message)
                return await self._replied(request, message, era, request_id, held)
            except RpcError as error:
                return JSONResponse(error_body(error, request_id), error.status)

    def _noted(self, request: Request, message: RpcMessage) -> Response:
        """Return the response to a notification. Only a cancellation has an effect."""
        if message.method == "notifications/cancelled" and "requestId" in message.params:
            self._running.cancel(_key(request, message.params["requestId"]))
        return Response(status_code=202)

    async def _replied(
        self, request: Request, message: RpcMessage, era: Era, request_id: RequestId, held: ExitStack
    ) -> Response:
        if message.method == "tools/call":
            return await self._called(request, message, era, held)
        headers: dict[str, str] = {}
        if message.method == "initialize":
            result: dict[str, Any] = {"protocolVersion": era.version, "capabilities": CAPABILITIES}
            result |= {"serverInfo": SERVER, "instructions": INSTRUCTIONS}
            headers = {SESSION_HEADER: secrets.token_hex(16)}
        elif message.method == "ping" and not era.is_modern:
            result = {}
        elif message.method == "server/discover" and era.is_modern:
            discovered = {
                "supportedVersions": list(VERSIONS),
                "capabilities": CAPABILITIES,
                "instructions": INSTRUCTIONS,
            }
            result = era.complete(discovered, FRESH_S)
        elif message.method == "tools/list":
            if message.params.get("cursor") is not None:
                raise era.invalid_params("params.cursor is unknown; the list has one page, leave it out")
            result = era.complete({"tools": await asyncio.to_thread(self._definitions, request)}, FRESH_S)
        else:
            raise era.unknown_method(message.method)
        return _short(request, result_body(request_id, result), headers)

    def _definitions(self, request: Request) -> list[dict[str, Any]]:
        return [tool.definition(self._context, self._model) for tool in tools_for(access_of(request))]

    async def _called(self, request: Request, message: RpcMessage, era: Era, held: ExitStack) -> Response:
        """Return the response to a call. Wrong arguments and refusals are results that say so, for a model to read."""
        name = message.params.get("name")
        if not isinstance(name, str):
            raise era.invalid_params("params.name must be the name of a tool")
        tool = TOOLS.get(name)
        if tool is None:
            raise era.invalid_params(f"params.name: unknown tool {quoted(name)}; tools are {', '.join(TOOLS)}")
        if message.request_id is None:
            raise era.invalid_params("id is missing; a call of a tool is a request, not a notification")
        try:
            if tool.scope is not None:
                access_of(request).require(tool.scope)
            arguments = await asyncio.to_thread(self._checked, tool, message.params.get("arguments"))
        except Problem as error:
            result = era.complete(refusal_result(error, tool.names))
            return _short(request, result_body(message.request_id, result))
        call = Call(self._context, self._model, request, era, arguments)
        del arguments  # the call has them, and frees them: this frame waits with it
        message.params.pop("arguments", None)
        call.hold(held.pop_all())
        running = asyncio.ensure_future(self._result(call, tool, _key(request, message.request_id)))
        call.begin(running)
        if _streams(request) and (tool.waits or _streams_only(request)):
            return streamed(call, message, running, tool.scope or Scope.GENERATE)
        return await whole(call, message, running)

    def _checked(self, tool: Tool, arguments: Any) -> dict[str, Any]:
        return checked(arguments, tool.schema(self._context, self._model))

    async def _result(self, call: Call, tool: Tool, key: CallKey) -> dict[str, Any]:
        # The modern era has no notification that cancels a call: another client's must not.
        with nullcontext() if call.era.is_modern else self._running.listed(key, call):
            try:
                result = await tool.run(call)
            except REFUSALS as error:
                result = refusal_result(error, tool.names)
            finally:
                call.free()
        return call.era.complete(result)


async def _content(request: BufferedRequest, reservation: Reservation) -> Any:
    """Return the parsed body.

    Raises:
        Problem: it is too large, not JSON, or of another type.
        RpcError: there is none.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"{quoted(kind)} is not supported; send application/json")
    await request.read(reservation)
    if not await request.body():
        raise RpcError(PARSE_ERROR, "the body is empty; send a JSON-RPC message", status=400)
    return await request.json()


def _key(request: Request, request_id: Any) -> CallKey:
    session = request.headers.get(SESSION_HEADER, "")[:MAX_SESSION_LENGTH]
    hashable = request_id if isinstance(request_id, str | int | float) else None
    return access_of(request).source, session, type(hashable), hashable


def _streams(request: Request) -> bool:
    """Return whether a client reads streams. One that accepts anything gets JSON."""
    return "text/event-stream" in request.headers.get("accept", "").lower()


def _streams_only(request: Request) -> bool:
    accept = request.headers.get("accept", "").lower()
    return _streams(request) and not any(kind in accept for kind in ("application/json", "application/*", "*/*"))


def _short(request: Request, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """Return a result that is there at once, as JSON unless the client reads nothing but streams."""
    if not _streams_only(request):
        return JSONResponse(body, headers=headers)
    return Response(event(body), media_type="text/event-stream", headers={**STREAM_HEADERS, **(headers or {})})
