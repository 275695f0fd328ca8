"""A demo host with the parts that only Windows has: its event loop, failing accepts and a closable console window.

As a script it starts such a host: `python tests/support/hosts/as_on_windows.py [launch flags]`.
The environment variable FAILURES sets the number of failing accepts.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
FAILURES = "FAKE_PROACTOR_FAILURES"
CLOSED = 0x3A
"""Low byte of Windows's status STATUS_CONTROL_C_EXIT; a Unix exit status has only that byte."""
SIGNALS = {1: signal.SIGUSR1, 2: signal.SIGUSR2} if sys.platform != "win32" else {}
"""Console event → the signal that stands for it."""


def main(flags: list[str]) -> None:
    """Start the extension on asyncio's proactor loop."""
    sys.path.insert(0, str(ROOT))
    importlib.import_module("load_package").load_package()
    sys.path.remove(str(ROOT))
    extension = importlib.import_module("fooocus_api.extension")
    _use_the_proactor(int(os.environ.get(FAILURES, "0")))
    _use_the_console()
    extension.main(flags)


def _use_the_proactor(failures: int) -> None:
    from asyncio import proactor_events

    import uvicorn.loops.asyncio

    from fooocus_api.adapters.webui import proactor
    from fooocus_api.tests.support.fakes.fake_proactor import IocpProactor, ProactorLoop, WindowsError, windows_events

    def make(use_subprocess: bool = False) -> Any:
        def loop() -> ProactorLoop:
            made = ProactorLoop(IocpProactor(WindowsError(10054, at_once=bool(i % 2)) for i in range(failures)))
            made.set_exception_handler(None)
            return made

        return loop

    uvicorn.loops.asyncio.asyncio_loop_factory = make
    proactor.install = lambda patches: proactor.patch(windows_events(), proactor_events, patches)


def _use_the_console() -> None:
    """Call the installed handler before the handlers of the modules that Fooocus's worker imports."""
    from fooocus_api.adapters.patching.hooks import Patches
    from fooocus_api.adapters.startup.console_close import ConsoleClose

    def install(self: ConsoleClose, patches: Patches) -> None:
        assert "modules.async_worker" in sys.modules, "Windows calls the newest first, which is torch's then"
        for event, number in SIGNALS.items():
            signal.signal(number, lambda *_, event=event: _close(self, event))

    ConsoleClose.install = install  # type: ignore[method-assign]


def _close(console_close: Any, event: int) -> None:
    """Call the handler on a thread of its own and end the process when it returns: no `atexit`, no `finally`."""

    def close() -> None:
        handled = console_close.on_event(event)
        os._exit(1 if handled else CLOSED)

    threading.Thread(target=close).start()


if __name__ == "__main__":
    main(sys.argv[1:])
