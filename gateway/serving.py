"""Serves a gateway until Ctrl-C or SIGTERM."""

from __future__ import annotations

import contextlib

import uvicorn

from ..adapters.patching.hooks import Patches
from ..adapters.startup.console_logging import Logs
from ..adapters.startup.exposure_warnings import warnings
from ..adapters.startup.freed_memory import share_heaps
from ..adapters.startup.launch_flags import Settings
from ..adapters.startup.termination import Termination
from ..adapters.webui.server import KEEP_ALIVE_S, SHUTDOWN_TIMEOUT_S, ApiServer
from ..api.deliveries import start_deliveries
from .build import Gateway
from .flags import PORT

CLOSE_TIMEOUT_S = 10.0


def begin(settings: Settings) -> tuple[Logs, Termination]:
    """Start to write the log, and to end in order by SIGTERM. It must precede the gateway's threads."""
    share_heaps()
    logs, termination = Logs(), Termination()
    logs.start()
    logs.configure(settings.log_level, as_json=settings.log_json)
    termination.install(Patches())
    return logs, termination


def serve(gateway: Gateway, settings: Settings, termination: Termination) -> None:
    """Serve the API, the dashboard and the guide, and close the gateway at the end.

    Raises:
        DatabaseUnavailable: the history can't be read or written.
        SystemExit: SIGTERM has ended it, or the port is in use.
    """
    for warning in warnings(settings, login=False, keys=gateway.context.security.keys.needed()):
        print(f"[Fooocus API] Warning: {warning}", flush=True)
    gateway.services.start()
    gateway.watch.start()
    port = settings.port or PORT
    url = f"http://{_host_of(settings.listen)}:{port}"
    gateway.listening(url)
    start_deliveries(gateway.context, url)
    config = uvicorn.Config(
        gateway.app,
        host=settings.listen,
        port=port,
        lifespan="off",
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    print(f"[Fooocus API] {url}/docs", flush=True)
    termination.begin_serving()
    try:
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn re-raises it after a regular shutdown
            ApiServer(config, gateway.services.end_subscriptions, termination).run()
    finally:
        gateway.watch.close()
        gateway.services.close(CLOSE_TIMEOUT_S)
    termination.exit_if_requested()


def _host_of(listen: str) -> str:
    if listen in ("0.0.0.0", "::"):  # nosec B104  # compared, not bound to
        return "127.0.0.1"
    return f"[{listen}]" if ":" in listen else listen
