"""Registration of the console's handler with Windows, its calls and its removal."""

from __future__ import annotations

import ctypes
import gc
import logging
from ctypes import wintypes
from typing import Any

import pytest

from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.adapters.startup import console_close
from fooocus_api.adapters.startup.console_close import ConsoleClose


class Kernel32:
    """Windows's library with the one function a handler needs. It keeps a handler by its address alone, as Windows does."""

    def __init__(self, refuses: bool = False) -> None:
        self.addresses: list[int] = []
        self.calls: list[tuple[int, bool]] = []
        kernel32 = self

        class SetConsoleCtrlHandler:
            argtypes: Any = None
            restype: Any = None

            def __call__(self, callback: Any, add: bool) -> int:
                kind, flag = self.argtypes
                assert isinstance(callback, kind) and flag is wintypes.BOOL and self.restype is wintypes.BOOL
                address = ctypes.cast(callback, ctypes.c_void_p).value
                assert address is not None
                kernel32.calls.append((address, add))
                if refuses:
                    return 0
                kernel32.addresses.append(address) if add else kernel32.addresses.remove(address)
                return 1

        self.SetConsoleCtrlHandler = SetConsoleCtrlHandler()

    def press(self, event: int) -> int:
        """Call the newest handler and return its answer."""
        made = ctypes.CFUNCTYPE(wintypes.BOOL, wintypes.DWORD)
        return int(made(self.addresses[-1])(event))


@pytest.fixture
def at_exit(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list of functions that Python calls when it ends."""
    functions: list[Any] = []
    monkeypatch.setattr("fooocus_api.adapters.startup.console_close.atexit.register", functions.append)
    return functions


@pytest.fixture
def kernel32(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Kernel32:
    """Return Windows's library, on any system."""
    library = Kernel32(getattr(request, "param", False))

    def load(name: str, use_last_error: bool) -> Kernel32:
        assert (name, use_last_error) == ("kernel32", True)
        return library

    monkeypatch.setattr(ctypes, "WinDLL", load, raising=False)
    monkeypatch.setattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: 6, raising=False)
    monkeypatch.setattr(ctypes, "WinError", lambda code: OSError(code, "The handle is invalid"), raising=False)
    monkeypatch.setattr("fooocus_api.adapters.startup.console_close.sys.platform", "win32")
    return library


@pytest.mark.parametrize("at_the_end", [False, True], ids=["uninstalled", "Python ends"])
def test_windows_can_call_it_until_it_is_forgotten(at_the_end: bool, kernel32: Kernel32, at_exit: list[Any]) -> None:
    said: list[Any] = []
    hooks = Patches()
    console = ConsoleClose(lambda: said.append("leave"), said.append)
    console.install(hooks)
    gc.collect()  # Windows keeps no reference, only the address
    assert kernel32.press(2) == 0 and kernel32.press(0) == 0
    assert said == ["leave", console_close.WITHIN_S]
    assert len(kernel32.calls) == 1 and len(at_exit) == 1
    if at_the_end:
        at_exit[0]()
    else:
        hooks.uninstall()
    (address, added), (again, removed) = kernel32.calls
    assert address == again and added and not removed and kernel32.addresses == []


@pytest.mark.parametrize("kernel32", [True], indirect=True)
def test_a_console_that_takes_no_handler_is_a_line_in_the_log(
    kernel32: Kernel32, at_exit: list[Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("fooocus_api"), "propagate", True)
    ConsoleClose(lambda: None, lambda _: None).install(Patches())
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == ["console handler not registered"]
    assert at_exit == [] and len(kernel32.calls) == 1
