"""Type of an ASGI application, in the words of the standard library, and the path of its requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
AsgiApp = Callable[[Scope, Callable[..., Awaitable[Any]], Callable[..., Awaitable[None]]], Awaitable[None]]


def path_of(scope: Scope) -> str:
    """Return a request's path as routes match it: without the prefix (`root_path`) that a proxy has added."""
    path, prefix = str(scope.get("path", "")), str(scope.get("root_path", ""))
    return path.removeprefix(prefix) if prefix and path.startswith(f"{prefix}/") else path
