"""Entry points: installs the extension into a Fooocus that is starting. No side effect at import.

The startup hook calls `install(checkout)` before Fooocus parses its flags; run as a script, this file does the same and then
starts Fooocus: `python extensions/fooocus_api/extension.py [launch flags]`. With the name of a command it runs that instead:
`extension.py import PATH`. `extension.py gateway` serves the API of a cluster without Fooocus.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .adapters.instrumentation import Instrumentation
    from .asgi.types import AsgiApp
    from .runtime import Runtime

HOME = Path(__file__).resolve().parent
CHECKOUT_VARIABLE = "FOOOCUS_API_CHECKOUT"
"""Environment variable that names the Fooocus to start, for an extension outside its `extensions` folder."""


def build_runtime(instrumentation: Instrumentation) -> Runtime:
    """Return the running API. Called once the WebUI is built: the import needs the packages that Fooocus brings."""
    from .db.drivers import needs_driver, without_drivers
    from .tasks.lifecycle.collector_pause import paused_collector

    hidden = nullcontext() if needs_driver(instrumentation.settings().api_db) else without_drivers()
    with paused_collector(), hidden:
        from .runtime import build_runtime

    return build_runtime(instrumentation)


class Extension:
    """The extension in this process. Implements `adapters.webui.application.Application`."""

    def __init__(self, checkout: Path, build: Callable[[Instrumentation], Runtime] = build_runtime) -> None:
        """Prepare the extension. `build` makes the API, once the WebUI is built."""
        from .adapters.instrumentation import Instrumentation
        from .api.path_prefixes import PATHS

        self.prefixes = PATHS
        self.instrumentation = Instrumentation(checkout, self)
        self._build = build
        self._runtime: Runtime | None = None

    def is_misspelt(self, first: str) -> bool:
        from .api.path_prefixes import is_misspelt

        return is_misspelt(first)

    def with_error_shapes(self, app: AsgiApp) -> AsgiApp:
        from .api.surfaces.errors import error_shapes
        from .asgi.surfaces.error_shapes import ErrorShapes

        return ErrorShapes(app, error_shapes(self.instrumentation.settings().compat))

    def start(self) -> AsgiApp:
        try:
            self._runtime = self._build(self.instrumentation)
        except Exception:
            with contextlib.suppress(RuntimeError):  # started already; if not, the worker's events would pile up
                self.instrumentation.bus.start()
            raise
        return self._runtime.api

    def listening(self, url: str) -> None:
        if self._runtime is not None:
            self._runtime.listening(url)

    def drain(self, then: Callable[[], None]) -> bool:
        return self._runtime is not None and self._runtime.drain(then)

    def stopping(self) -> None:
        if self._runtime is not None:
            self._runtime.stopping()


_installed: Extension | None = None


def install(checkout: Path, build: Callable[[Instrumentation], Runtime] = build_runtime) -> Extension:
    """Hook into the Fooocus in `checkout`, before it imports `args_manager`. A second call changes nothing.

    `build` makes the API, once the WebUI is built.
    """
    global _installed
    if _installed is None:
        _installed = Extension(checkout.resolve(), build)
        _installed.instrumentation.install()
    return _installed


def uninstall() -> None:
    """Undo all changes to the running host."""
    global _installed
    if _installed is not None:
        _installed.instrumentation.patches.uninstall()
        _installed = None


def main(flags: list[str]) -> None:
    """Start Fooocus with the extension, with or without the hook, or run a command. Flags are Fooocus's and the extension's.

    Raises:
        SystemExit: no Fooocus was found, or a command has finished.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HOME]  # hides its `api`, `db` …
    if flags and flags[0] == "gateway":
        from .gateway_runtime import main as serve_gateway

        serve_gateway(flags[1:])
        return
    from .commands import COMMANDS

    if flags and flags[0] in COMMANDS:
        from .commands import cli

        sys.exit(cli.run(flags, lambda: find_checkout(HOME / "demo")))
    checkout = find_checkout()
    sys.path.insert(0, str(checkout))
    sys.argv = [str(checkout / "launch.py"), *flags]
    os.chdir(checkout)
    install(checkout)
    import launch  # type: ignore[import-not-found]  # noqa: F401  # serves until it is stopped


def find_checkout(*others: Path) -> Path:
    """Return the Fooocus named by FOOOCUS_API_CHECKOUT, else the one that contains this extension, else the first of `others`.

    Raises:
        SystemExit: none was found.
    """
    named = os.environ.get(CHECKOUT_VARIABLE)
    candidates = [Path(named)] if named else [*HOME.parents, *others]
    for candidate in candidates:
        if (candidate / "launch.py").is_file() and (candidate / "fooocus_version.py").is_file():
            return candidate.resolve()
    where = named or f"{HOME} or any folder above it"
    sys.exit(
        f"[Fooocus API] {where} does not contain Fooocus; install the extension with: python install.py /path/to/Fooocus"
    )


if __name__ == "__main__":
    sys.path.insert(0, str(HOME))  # an embedded Python has no folder of the script there; `main` removes it
    from load_package import load_package

    load_package()
    from fooocus_api import extension

    extension.main(sys.argv[1:])
