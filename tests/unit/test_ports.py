"""Choice of a free port on Windows, where Gradio's own probe accepts a port in use."""

from __future__ import annotations

import inspect
import re
from types import ModuleType
from typing import Any

import pytest

from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.adapters.webui.ports import skip_taken

ALL = "Cannot find empty port in range: {}-{}. You can specify a different port by setting the GRADIO_SERVER_PORT"


class Networking(ModuleType):
    """The part of Gradio's module that a start uses. Its probe reports each port as free, as on Windows."""

    INITIAL_PORT_VALUE, TRY_NUM_PORTS, LOCALHOST_NAME = 7865, 3, "127.0.0.1"

    def __init__(self) -> None:
        super().__init__("networking")
        self.tried: list[Any] = []
        self.unserved: set[int] = set()

        def start_server(blocks: Any, server_name: str | None = None, server_port: int | None = None, **_: Any) -> Any:
            port = self.INITIAL_PORT_VALUE if server_port is None else server_port
            self.tried.append((blocks, server_name, port))
            if port in self.unserved:
                raise OSError("Gradio's")
            return server_name, port

        self.start_server = start_server


class Machine:
    """A machine on which some ports are taken."""

    def __init__(self, *taken: int) -> None:
        self.taken = taken
        self.asked: list[tuple[str, int]] = []

    def free(self, host: str, port: int) -> bool:
        self.asked.append((host, port))
        return port not in self.taken


def patched(*taken: int, on_windows: bool = True) -> tuple[Networking, Machine, Patches]:
    networking, machine, hooks = Networking(), Machine(*taken), Patches()
    skip_taken(networking, hooks, on_windows=on_windows, free=machine.free)
    return networking, machine, hooks


def test_a_second_fooocus_takes_the_next_port() -> None:
    networking, machine, _ = patched(7865)
    assert networking.start_server("app", server_name="[::1]", server_port=None, ssl_keyfile=None) == ("[::1]", 7866)
    assert machine.asked == [("::1", 7865), ("::1", 7866)]
    assert networking.tried == [("app", "[::1]", 7866)]


def test_a_port_that_gradio_fails_at_is_skipped_as_well() -> None:
    networking, machine, _ = patched()
    networking.unserved = {7865}
    assert networking.start_server("app") == (None, 7866)
    assert machine.asked[0] == ("127.0.0.1", 7865)


@pytest.mark.parametrize("port", [None, 9000])
def test_none_free_is_gradios_error(port: int | None) -> None:
    networking, _, _ = patched(7865, 7866, 7867, 9000)
    with pytest.raises(OSError, match=f"^{re.escape(ALL.format(port or 7865, port or 7867))}"):
        networking.start_server("app", None, port)
    assert networking.tried == []


def test_elsewhere_and_uninstalled_gradio_probes_itself() -> None:
    networking, machine, _ = patched(7865, on_windows=False)
    assert networking.start_server("app") == (None, 7865)
    networking, machine, hooks = patched(7865)
    hooks.uninstall()
    assert networking.start_server("app") == (None, 7865) and machine.asked == []


def test_gradios_own_function_has_these_names() -> None:
    networking = pytest.importorskip("gradio.networking")
    assert {"server_name", "server_port"} <= set(inspect.signature(networking.start_server).parameters)
    assert networking.TRY_NUM_PORTS and networking.INITIAL_PORT_VALUE and networking.LOCALHOST_NAME
    assert ALL.partition("{}")[0] in inspect.getsource(networking.start_server)
