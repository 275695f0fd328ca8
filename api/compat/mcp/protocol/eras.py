"""The two eras of the protocol, which share one path: `initialize` with what follows, and requests that are self-contained."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers

from ..... import __version__
from .errors import HEADER_MISMATCH, INVALID_PARAMS, METHOD_NOT_FOUND, UNSUPPORTED_VERSION, RpcError
from .messages import RpcMessage, quoted

MODERN_VERSIONS = ("2026-07-28",)
LEGACY_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""The newest first."""
VERSIONS = (*MODERN_VERSIONS, *LEGACY_VERSIONS)
WITHOUT_HEADER = "2025-03-26"
"""The version of a request without the header, which later ones require."""
WITH_LINKS = frozenset({*MODERN_VERSIONS, "2025-11-25", "2025-06-18"})
"""Versions whose clients know `resource_link`."""
PREFIX = "io.modelcontextprotocol/"
VERSION_KEY = f"{PREFIX}protocolVersion"
CAPABILITIES_KEY = f"{PREFIX}clientCapabilities"
SERVER_KEY = f"{PREFIX}serverInfo"
VERSION_HEADER, METHOD_HEADER, NAME_HEADER = "mcp-protocol-version", "mcp-method", "mcp-name"
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Method → the parameter that `Mcp-Name` repeats."""
SERVER = {"name": "fooocus-api", "title": "Fooocus", "version": __version__}


@dataclass(frozen=True)
class Era:
    """The era of a request, and the version of the protocol that it is in."""

    is_modern: bool
    version: str

    @property
    def knows_links(self) -> bool:
        return self.version in WITH_LINKS

    def complete(self, result: dict[str, Any], fresh_s: int | None = None) -> dict[str, Any]:
        """Return a result with the members that every result of the era has.

        Args:
            fresh_s: seconds for which a client may keep a list, None for a result that is no list.
        """
        if not self.is_modern:
            return result
        cached = {} if fresh_s is None else {"ttlMs": fresh_s * 1000, "cacheScope": "private"}
        return {"resultType": "complete", **result, **cached, "_meta": {SERVER_KEY: SERVER}}

    def invalid_params(self, message: str) -> RpcError:
        """Return the error for wrong parameters."""
        return RpcError(INVALID_PARAMS, message, status=400 if self.is_modern else 200)

    def unknown_method(self, method: str) -> RpcError:
        """Return the error for a method that this server does not have."""
        message = f"method {quoted(method)} is not supported; this server has tools alone"
        return RpcError(METHOD_NOT_FOUND, message, status=404 if self.is_modern else 200)


def era_of(message: RpcMessage, headers: Headers) -> Era:
    """Return the era of a message: by its metadata, as a header alone may come from a proxy.

    Raises:
        RpcError: its headers contradict it, or its version is unknown.
    """
    given = headers.get(VERSION_HEADER) or ""
    if message.method == "initialize":
        return Era(False, negotiated(message.params.get("protocolVersion")))
    if message.request_id is None:  # no version defines headers of a notification
        return Era(False, given or WITHOUT_HEADER)
    if VERSION_KEY not in message.meta:
        if given in MODERN_VERSIONS:
            raise RpcError(INVALID_PARAMS, f"params._meta lacks {VERSION_KEY}, as {given} requires", status=400)
        if given and given not in LEGACY_VERSIONS:
            raise _unsupported(given)
        return Era(False, given or WITHOUT_HEADER)
    version = message.meta[VERSION_KEY]
    _check_headers(message, headers, version)
    if not isinstance(version, str):
        raise RpcError(INVALID_PARAMS, f"params._meta.{VERSION_KEY} must be a text", status=400)
    if version not in MODERN_VERSIONS:
        raise _unsupported(version)
    if not isinstance(message.meta.get(CAPABILITIES_KEY), dict):
        raise RpcError(INVALID_PARAMS, f"params._meta.{CAPABILITIES_KEY} must be an object", status=400)
    return Era(True, version)


def negotiated(version: Any) -> str:
    """Return the version for a client that initializes with this one: the same if known, else the newest with `initialize`."""
    return version if version in LEGACY_VERSIONS else LEGACY_VERSIONS[0]


def _check_headers(message: RpcMessage, headers: Headers, version: Any) -> None:
    expected = {VERSION_HEADER: version, METHOD_HEADER: message.method}
    parameter = NAMED.get(message.method)
    if parameter is not None and isinstance(name := message.params.get(parameter), str):
        expected[NAME_HEADER] = name
    for header, value in expected.items():
        given = headers.getlist(header)
        if len(given) > 1:
            raise _mismatch(f"header {header} is given more than once; send it once")
        if not given:
            raise _mismatch(f"header {header} is missing; it must repeat the value in the body")
        if (_decoded(given[0]) if header == NAME_HEADER else given[0]) != value:
            raise _mismatch(f"header {header} is {quoted(given[0])}, which the body contradicts; send the same in both")


def _decoded(value: str) -> str | None:
    """Return the value of a header that may be in base64, None if it is broken."""
    if not (value.startswith("=?base64?") and value.endswith("?=") and len(value) >= len("=?base64??=")):
        return value
    try:
        return base64.b64decode(value[len("=?base64?") : -len("?=")], validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _mismatch(message: str) -> RpcError:
    return RpcError(HEADER_MISMATCH, message, status=400)


def _unsupported(version: str) -> RpcError:
    message = f"version {quoted(version)} is not supported; use {', '.join(VERSIONS)}"
    data = {"supported": list(VERSIONS), "requested": version[:80]}
    return RpcError(UNSUPPORTED_VERSION, message, status=400, data=data)
