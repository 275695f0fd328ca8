"""Checks the names of a request's query parameters and of its body's members.

A request that deletes or stops something is rejected for an unknown name: if the name were ignored, it would delete or stop
something else. So are the requests of `is_strict` routes. Every other request is answered, with the unknown names in
`X-Ignored-Fields`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from ...asgi.error_codes import ErrorCode, FieldErrorCode
from ...asgi.problem import shortened
from ...auth.keys import Scope
from ..responses.problems import MAX_ERRORS, FieldError, InvalidFields, Problem
from ..security.authorization import scope_of
from ..validation.nearest_names import MAX_NAME_LENGTH, nearest

HEADER = "X-Ignored-Fields"
PASSING = frozenset({"expires", "signature", "token"})
"""Parameters of signed URLs and of tokens, which any URL may carry."""
MAX_NO_BODY_BYTES = 2**16
"""Bytes of a body that a route without one reads, to name what is in the wrong place."""
ACTION = "action"
"""The query parameter by which a GET changes something: `GET /tasks?action=delete`."""


class NamingRoute(APIRoute):
    """A route that checks names, the base of all routes."""

    is_strict = False
    """Set if an unknown query parameter is rejected although the route neither deletes nor stops anything."""

    def __init__(self, path: str, *args: Any, dependencies: Sequence[Any] | None = None, **kwargs: Any) -> None:
        given = [one for one in dependencies or () if one != CHECK]  # an app creates a router's routes a second time
        super().__init__(path, *args, dependencies=[*given, CHECK], **kwargs)

    @property
    def acts(self) -> bool:
        """Return whether a request deletes, stops or moves something: it neither only reads nor generates."""
        scopes = {scope_of(one) for one in self.dependencies}
        return not (self.methods or set()) <= {"GET", "HEAD"} and Scope.GENERATE not in scopes


async def _check(request: Request) -> None:
    """Reject or note names that the route does not know. Runs after the check of the key's scope."""
    route = request.scope["route"]
    known = dict(_parameters(route.dependant))
    given = request.query_params.multi_items()
    unknown = unknown_names((name for name, _ in given), known)
    if not (route.acts or route.is_strict or any(name == ACTION and value for name, value in given)):
        note_ignored(request, unknown)
        return
    errors = await asyncio.to_thread(_errors, unknown, known, "query parameter")
    errors += _repeated(request, (name for name, several in known.items() if not several))
    if not route.dependant.body_params:
        members = unknown_names(await _members(request), ())
        errors += [_misplaced(name) for name in members if name in known]
        errors += await asyncio.to_thread(_errors, [name for name in members if name not in known], known, "member")
    if errors:
        raise InvalidFields(errors)


CHECK = Depends(_check)


def check_given_once(request: Request, names: Iterable[str]) -> None:
    """Reject a request that has one of these query parameters more than once, as two programs would use different values.

    Raises:
        InvalidFields: names each of them.
    """
    if errors := list(_repeated(request, names)):
        raise InvalidFields(errors)


def _repeated(request: Request, names: Iterable[str]) -> Iterator[FieldError]:
    given = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if given.count(name) > 1:
            yield FieldError(field=name, code=FieldErrorCode.DUPLICATE, message="is given more than once; send it once")


def unknown_names(names: Iterable[str], known: Collection[str]) -> list[str]:
    """Return the unknown names, each once, without those that begin with `_`, which clients add to bypass caches."""
    return [
        name for name in dict.fromkeys(names) if name not in known and name not in PASSING and not name.startswith("_")
    ]


def unknown_name(name: str, known: Collection[str], kind: str) -> FieldError:
    """Return the error for an unknown name, with the most similar known ones."""
    near = nearest(name, known, many=3)
    remedy = f"did you mean {near[0]}?" if near else _remedy(known)
    return FieldError(
        field=shortened(name, MAX_NAME_LENGTH),
        code=FieldErrorCode.UNKNOWN_FIELD,
        message=f"unknown {kind}; {remedy}",
        allowed=near or None,
    )


def note_ignored(request: Request, names: Iterable[str]) -> None:
    """Add names to the response's `X-Ignored-Fields`."""
    request.state.ignored = [*getattr(request.state, "ignored", ()), *names]


class IgnoredHeader:
    """ASGI middleware that writes a request's noted names into the response header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and (names := scope.get("state", {}).get("ignored")):
                message["headers"] = [*message["headers"], (HEADER.lower().encode(), header_value(names))]
            await send(message)

        await self._app(scope, receive, answer)


def header_value(names: Iterable[str]) -> bytes:
    """Return names as a header value: at most MAX_ERRORS, in printable ASCII."""
    # uvicorn drops the whole response if a header value begins or ends with a space.
    written = (re.sub("[^!-+.-~-]", "?", shortened(name, MAX_NAME_LENGTH)) or "?" for name in dict.fromkeys(names))
    return ", ".join(islice(written, MAX_ERRORS)).encode("ascii")


def _errors(unknown: Iterable[str], known: Collection[str], kind: str) -> list[FieldError]:
    """Return the errors for unknown names. It searches for similar names: off the event loop."""
    return [unknown_name(name, known, kind) for name in islice(unknown, MAX_ERRORS)]


def _misplaced(name: str) -> FieldError:
    message = "is a query parameter; send it in the URL"
    return FieldError(field=name, code=FieldErrorCode.UNKNOWN_FIELD, message=message)


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Yield the names of a route's query parameters, and whether each may be given more than once."""
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        members = getattr(annotation, "model_fields", None)  # of a model whose members are the parameters
        if members is None:
            yield field.alias, _is_list(annotation)
        else:
            yield from ((name, _is_list(member.annotation)) for name, member in members.items())
    for part in dependant.dependencies:
        yield from _parameters(part)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))


async def _members(request: Request) -> list[str]:
    """Return the names in the body of a request whose route takes no body."""
    body = await _small_body(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return [name for name, _ in parse_qsl(body.decode("latin-1"), keep_blank_values=True)]
    is_json = kind in ("", "application/json") or (kind.startswith("application/") and kind.endswith("+json"))
    if not is_json or not body:
        return []
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return list(content) if isinstance(content, dict) else []


async def _small_body(request: Request) -> bytes:
    """Return the body of a request that needs none. Some of these need no key, so more than `MAX_NO_BODY_BYTES` is never kept.

    Raises:
        Problem: 413, it is longer.
    """
    body = bytearray()
    async for piece in request.stream():
        if len(body) + len(piece) > MAX_NO_BODY_BYTES:
            detail = f"body is too large; at most {MAX_NO_BODY_BYTES // 2**10} KiB are allowed here, send none"
            raise Problem(ErrorCode.PAYLOAD_TOO_LARGE, detail)
        body += piece
    return bytes(body)


def _remedy(known: Collection[str]) -> str:
    return f"omit it, valid names are {', '.join(sorted(known))}" if known else "omit it, there are none here"
