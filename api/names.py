"""Checks the names that a request uses: those of its query parameters, and of the members of its body.

A request that deletes or stops something is refused when it has a name that its route does not know: without the name it
would delete or stop something else. Every other request is answered, with these names in `X-Ignored-Fields`.
"""

from __future__ import annotations

import asyncio
import difflib
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

from ..tasks.keys import Scope
from .access import scope_of
from .errors import MOST_ERRORS, FieldError, InvalidFields, shortened

HEADER = "X-Ignored-Fields"
LONGEST_NAME = 60
PASSING = frozenset({"expires", "signature", "token"})
"""Parameters of signed URLs and of tokens, which any URL may carry."""
ACTION = "action"
"""The parameter that makes a GET act: `GET /tasks?action=delete`."""


class NamingRoute(APIRoute):
    """A route that checks names. All routes are of this class."""

    def __init__(self, path: str, *args: Any, dependencies: Sequence[Any] | None = None, **kwargs: Any) -> None:
        given = [one for one in dependencies or () if one != CHECK]  # a router's routes are made again by an app
        super().__init__(path, *args, dependencies=[*given, CHECK], **kwargs)

    @property
    def acts(self) -> bool:
        """Return whether a request deletes, stops or moves something: it does more than read and does not draw."""
        scopes = {scope_of(one) for one in self.dependencies}
        return not (self.methods or set()) <= {"GET", "HEAD"} and Scope.GENERATE not in scopes


async def _check(request: Request) -> None:
    """Refuse or note names that the route does not know. It comes after the check of the key's scope."""
    route = request.scope["route"]
    known = dict(_parameters(route.dependant))
    given = request.query_params.multi_items()
    unknown = unknown_names((name for name, _ in given), known)
    if not (route.acts or any(name == ACTION and value for name, value in given)):
        note_ignored(request, unknown)
        return
    errors = await asyncio.to_thread(_errors, unknown, known, "query parameter")
    names = [name for name, _ in given]
    for name, several in known.items():
        if not several and names.count(name) > 1:
            errors.append(FieldError(field=name, message="is given more than once; send it once"))
    if not route.dependant.body_params:
        errors += await asyncio.to_thread(_errors, unknown_names(await _members(request), ()), known, "member")
    if errors:
        raise InvalidFields(errors)


CHECK = Depends(_check)


def unknown_names(names: Iterable[str], known: Collection[str]) -> list[str]:
    """Return the names that are not known, each once; without those that begin with `_`, which clients add against caches."""
    return [
        name for name in dict.fromkeys(names) if name not in known and name not in PASSING and not name.startswith("_")
    ]


def unknown_name(name: str, known: Collection[str], kind: str) -> FieldError:
    """Return the error for a name that is not known, with the nearest ones that are."""
    near = nearest(name, known, many=3)
    cure = f"; did you mean {near[0]}?" if near else f"; leave it out, this route knows {_listed(known)}"
    return FieldError(field=shortened(name, LONGEST_NAME), message=f"is an unknown {kind}{cure}", allowed=near or None)


def nearest(name: str, known: Iterable[str], *, many: int = 1, cutoff: float = 0.5) -> list[str]:
    """Return the known names that are most like this one, the best first."""
    wanted = plain(shortened(name, LONGEST_NAME))
    by_plain: dict[str, str] = {}
    for candidate in known:
        by_plain.setdefault(plain(candidate), candidate)
    contained = [one for one in by_plain if min(len(one), len(wanted)) > 2 and (one in wanted or wanted in one)]
    close = difflib.get_close_matches(wanted, by_plain, n=many, cutoff=cutoff)
    only = contained if len(contained) == 1 else []
    return [by_plain[one] for one in islice(dict.fromkeys([*close, *only]), many)]


def note_ignored(request: Request, names: Iterable[str]) -> None:
    """Have the response name these in `X-Ignored-Fields`."""
    request.state.ignored = [*getattr(request.state, "ignored", ()), *names]


class IgnoredHeader:
    """Middleware: writes the names that were noted for a request into its response's header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and (names := scope.get("state", {}).get("ignored")):
                message["headers"] = [*message["headers"], (HEADER.lower().encode(), header_value(names))]
            await send(message)

        await self._app(scope, receive, answer)


def header_value(names: Iterable[str]) -> bytes:
    """Return names as a header's value: no more than MOST_ERRORS, each of printable ASCII."""
    # uvicorn drops the whole answer when a header's value begins or ends with a space.
    written = (re.sub("[^!-+.-~-]", "?", shortened(name, LONGEST_NAME)) or "?" for name in dict.fromkeys(names))
    return ", ".join(islice(written, MOST_ERRORS)).encode("ascii")


def _errors(unknown: Iterable[str], known: Collection[str], kind: str) -> list[FieldError]:
    """Return the errors for names. It compares them: off the event loop."""
    return [unknown_name(name, known, kind) for name in islice(unknown, MOST_ERRORS)]


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Yield the names of a route's query parameters, and whether each may be given more than once."""
    for field in dependant.query_params:
        yield field.alias, _is_list(field.field_info.annotation)
    for part in dependant.dependencies:
        yield from _parameters(part)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))


async def _members(request: Request) -> list[str]:
    """Return the names in the body of a request whose route takes none. A `JsonRoute` has read it, within bounds."""
    body = bytes(await request.body())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return [name for name, _ in parse_qsl(body.decode("latin-1"), keep_blank_values=True)]
    is_json = kind in ("", "application/json") or (kind.startswith("application/") and kind.endswith("+json"))
    if not is_json or not body:
        return []
    content = await request.json()
    return list(content) if isinstance(content, dict) else []


def plain(name: str) -> str:
    """Return a name in lower case, with one underscore for whatever is no letter or digit."""
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")


def _listed(known: Collection[str]) -> str:
    return ", ".join(sorted(known)) if known else "none"
