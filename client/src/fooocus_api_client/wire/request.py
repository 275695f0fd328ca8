"""Requests and answers as values, which the synchronous and the asynchronous client send in their own ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, Generic, Optional, TypeVar, Union

from ..schema.message import M, message_of
from .errors import UnexpectedAnswer

T = TypeVar("T")
Parameter = Union[str, int, float, bool, list[str], None]


@dataclass(frozen=True)
class Request:
    """One HTTP request. `path` is a path of the API, or the whole URL of an image.

    A request that is not `repeatable` is sent again only if it has not reached the server. One that `outlasts` a restart of the
    server is sent again for minutes, once the server has been reached. The answer of one that `waits` may take any time.
    """

    method: str
    path: str
    params: Mapping[str, Parameter] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Optional[bytes] = None
    files: Optional[Mapping[str, tuple[str, bytes]]] = None
    repeatable: bool = True
    outlasts: bool = False
    waits: bool = False


@dataclass(frozen=True)
class Answer:
    """One HTTP response with its whole body. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str = ""

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            UnexpectedAnswer: it is something else, such as the page of another program.
        """
        try:
            return json.loads(self.content)
        except ValueError as error:
            kind = self.headers.get("content-type", "an unknown type")
            raise UnexpectedAnswer(f"{self.url} answered {kind} in place of JSON; check the server's URL") from error


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and the function that reads its answer."""

    request: Request
    read: Callable[[Answer], T]


def json_request(
    method: str, path: str, body: Any, headers: Optional[Mapping[str, str]] = None, **more: Any
) -> Request:
    """Return a request with a JSON body. `more` are further fields of the request."""
    kind = {"Content-Type": "application/json"}
    content = json.dumps(body, allow_nan=False).encode()
    return Request(method, path, headers={**kind, **(headers or {})}, content=content, **more)


def reader(kind: type[M]) -> Callable[[Answer], M]:
    """Return a function that reads an answer as a dataclass."""

    def read(answer: Answer) -> M:
        return parsed(kind, answer.json())

    return read


def parsed(kind: type[M], values: Any) -> M:
    """Return a JSON object as a dataclass.

    Raises:
        UnexpectedAnswer: it is of another form.
    """
    try:
        return message_of(kind, values)
    except (ValueError, TypeError) as error:
        raise UnexpectedAnswer(str(error)) from error
