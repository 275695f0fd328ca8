"""Port probing. On Windows, Gradio's own probe reports a port as free that another program listens on."""

from __future__ import annotations

import inspect
import os
import socket
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..patching.hooks import Patches

GRADIO_PORTS = 100
"""Number of ports that Gradio tries in turn when a launch names none."""


def first_free_port(host: str) -> int:
    """Return the port that Gradio would use.

    Raises:
        OSError: none is free.
    """
    first = int(os.environ.get("GRADIO_SERVER_PORT", "7865"))
    for port in range(first, first + GRADIO_PORTS):
        if is_free(host, port):
            return port
    raise OSError(f"no port from {first} to {first + GRADIO_PORTS - 1} is free; name one with --port")


def is_free(host: str, port: int) -> bool:
    """Return whether a port can be bound and no other program uses it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, _probing_option(), 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _probing_option() -> int:
    """Return the socket option with which binding a port that another program uses fails.

    Without it, Windows allows 127.0.0.1 next to another program's 0.0.0.0, and other systems keep a port busy for a minute after
    its program has ended.
    """
    exclusive: int | None = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)  # Windows only
    return socket.SO_REUSEADDR if exclusive is None else exclusive


def skip_taken(
    networking: ModuleType,
    patches: Patches,
    *,
    on_windows: bool = os.name == "nt",
    free: Callable[[str, int], bool] = is_free,
) -> None:
    """Limit `gradio.networking.start_server` to free ports, on Windows.

    Gradio probes with SO_REUSEADDR, which on Windows also binds another program's port: of two Fooocus on 7865 either may get a
    connection, without an error.
    """

    def start_server(wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = inspect.signature(wrapped).bind(*args, **kwargs)
        name, port = call.arguments.get("server_name"), call.arguments.get("server_port")
        host = str(name or networking.LOCALHOST_NAME).removeprefix("[").removesuffix("]")
        first, count = networking.INITIAL_PORT_VALUE, networking.TRY_NUM_PORTS
        ports = range(first, first + count) if port is None else [port]
        for candidate in ports:
            if free(host, candidate):
                call.arguments["server_port"] = candidate
                try:
                    return wrapped(*call.args, **call.kwargs)
                except OSError:  # another program took it since, or it can't be served
                    continue
        raise OSError(
            f"Cannot find empty port in range: {min(ports)}-{max(ports)}. You can specify a different port by setting the "
            "GRADIO_SERVER_PORT environment variable or passing the `server_port` parameter to `launch()`."
        )

    if on_windows:
        patches.wrap(networking, "start_server", start_server)
