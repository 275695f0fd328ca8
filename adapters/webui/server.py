"""Serves the API on Gradio's own server, on a server without the WebUI (`--nowebui`), and on a second port.

Gradio 3.41.2 builds its FastAPI app several times and serves only one of them, so each gets the same gate in front.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from ...asgi.cross_origin import CrossOriginProtection, TrustedOrigins
from ...asgi.error_codes import ErrorCode
from ...asgi.origin_form import OriginForm
from ...asgi.problem import problem_response
from ...asgi.types import AsgiApp
from ...dashboard.webui_page import LinkedWebUI
from ..host_modules import loaded_module
from ..patching.hooks import Patches
from ..startup.launch_flags import Settings
from ..startup.termination import Termination
from .application import Application
from .file_access import FileAccess
from .gate import ApiGate, GradioLimits
from .login import WebUILogin
from .ports import first_free_port, is_free, skip_taken

log = logging.getLogger("fooocus_api.server")

KEEP_ALIVE_S = 65
"""Seconds that an idle connection stays open: longer than the 60 of usual proxies and pools. With uvicorn's 5, the server closes
connections at the moment of their next request, which fails then."""
SHUTDOWN_TIMEOUT_S = 1
"""Seconds that open connections get at shutdown: without it, a stream would delay Ctrl-C until its task ends."""
NOT_STARTED = "the API could not be started; see Fooocus's console for the reason"


class Server:
    """Serves the API, from the moment when the WebUI is built."""

    def __init__(
        self,
        application: Application,
        settings: Callable[[], Settings],
        files: FileAccess,
        login: WebUILogin,
        termination: Termination,
    ) -> None:
        """Store the dependencies.

        Args:
            settings: returns the launch settings, once the host has parsed its flags.
            files: decides which of the host's files `/file=` may serve.
        """
        self._application = application
        self._settings = settings
        self._files = files
        self._login = login
        self._termination = termination
        termination.drain_by(application.drain)
        self._api: AsgiApp | None = None
        self._shared: str | None = None
        """Public address of `--share`, once Gradio has one."""

    def patch_routes(self, routes: ModuleType, patches: Patches) -> None:
        """Put the gate in front of every app that `gradio.routes.App.create_app` builds."""

        def create_app(wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            app = wrapped(*args, **kwargs)
            build_middleware_stack = app.build_middleware_stack
            app.build_middleware_stack = lambda: self._with_gate(build_middleware_stack(), app)
            return app

        patches.wrap(routes, "App.create_app", create_app)

    def _with_gate(self, gradio_app: AsgiApp, routed: Any) -> AsgiApp:
        """Return Gradio's app behind its protection, with the API in front."""
        webui = gradio_app if self._settings().no_dashboard else LinkedWebUI(gradio_app)
        limited = GradioLimits(self._protected(webui, None), self._files, self._login)
        return OriginForm(ApiGate(self._application, lambda: self._api, limited, routed))

    def _protected(self, app: AsgiApp, cors_origins: tuple[str, ...] | None) -> AsgiApp:
        """Return the app behind its cross-origin protection. The WebUI has no CORS."""
        settings = self._settings()
        trust = TrustedOrigins(settings.listen, settings.base_url, cors_origins, lambda: self._shared)
        return CrossOriginProtection(trust, app)

    def patch_blocks(self, blocks: ModuleType, patches: Patches) -> None:
        """Start the API when the WebUI's `gradio.blocks.Blocks.launch` is called."""

        def launch(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            shared = loaded_module("shared")
            if shared is None or instance is not shared.gradio_root:
                return wrapped(*args, **kwargs)
            settings = self._settings()
            try:
                self._login.watch(instance, inspect.signature(wrapped).bind(*args, **kwargs).arguments.get("auth"))
                api = self._protected(self._application.start(), settings.api_cors)
                self._api = self._application.with_error_shapes(api)
                if settings.api_port is not None:
                    self._serve_on_second_port(self._api, settings)
            except Exception:
                log.exception("API not started; Fooocus continues without it")
                self._api = self._api or problem_response(ErrorCode.API_UNAVAILABLE, NOT_STARTED)
            if settings.nowebui:
                return self._serve_alone(self._api, settings)
            return self._serve_webui(lambda: wrapped(*args, **kwargs), instance)

        patches.wrap(blocks, "Blocks.launch", launch)

    def patch_networking(self, networking: ModuleType, patches: Patches) -> None:
        """Print the API's address once `gradio.networking.start_server` has found its port."""

        def start_server(wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            started = wrapped(*args, **kwargs)
            with contextlib.suppress(Exception):
                started[4].config.timeout_keep_alive = KEEP_ALIVE_S
            if self._api is not None:
                self.on_listening(str(started[2]).rstrip("/"))
            return started

        def close(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            self._end_streams()
            instance.config.timeout_graceful_shutdown = SHUTDOWN_TIMEOUT_S
            return wrapped(*args, **kwargs)

        def setup_tunnel(wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            self._shared = wrapped(*args, **kwargs)
            return self._shared

        skip_taken(networking, patches)
        patches.wrap(networking, "setup_tunnel", setup_tunnel)
        patches.wrap(networking, "start_server", start_server)
        patches.wrap(networking, "Server.close", close)

    def on_listening(self, url: str) -> None:
        """Announce the address on the console and to the API."""
        url = _with_numeric_host(url)
        _announce(url)
        try:
            self._application.listening(url)
        except Exception:
            log.exception("webhook delivery not started")

    def _end_streams(self) -> None:
        try:
            self._application.stopping()
        except Exception:
            log.exception("streams not closed")

    def _serve_webui(self, launch: Callable[[], Any], blocks: Any) -> Any:
        """Let Gradio serve until Ctrl-C or SIGTERM; return at once if the launch does not block."""
        self._termination.begin_serving()
        try:
            return launch()
        except KeyboardInterrupt:
            if not self._termination.requested:
                raise
            with contextlib.suppress(Exception):  # Gradio was not waiting yet; its server may have started
                blocks.server.close()
        finally:
            self._termination.exit_if_requested()

    def _serve_alone(self, api: AsgiApp, settings: Settings) -> None:
        """Serve at the WebUI's address, until Ctrl-C."""
        port = settings.port if settings.port is not None else first_free_port(settings.listen)
        self.on_listening(f"http://{_url_host(settings.listen)}:{port}")
        self._termination.begin_serving()
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn re-raises it after a regular shutdown
            self._uvicorn(api, settings.listen, port).run()
        self._termination.exit_if_requested()

    def _serve_on_second_port(self, api: AsgiApp, settings: Settings) -> None:
        assert settings.api_port is not None  # nosec B101  # for mypy, which can't know
        if not is_free(settings.listen, settings.api_port):
            problem = f"port {settings.api_port} is in use, so the API is on the WebUI's port only"
            print(f"[Fooocus API] Warning: {problem}. Remedy: another --api-port.", flush=True)
            return
        server = self._uvicorn(api, settings.listen, settings.api_port)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # not the main thread
        threading.Thread(target=server.run, name="fooocus-api-port", daemon=True).start()
        _announce(f"http://{_url_host(settings.listen)}:{settings.api_port}")

    def _uvicorn(self, api: AsgiApp, host: str, port: int) -> uvicorn.Server:
        config = uvicorn.Config(
            OriginForm(api),
            host=host,
            port=port,
            lifespan="off",  # the port is there at once; requests wait for the API
            log_level="warning",
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        )
        return ApiServer(config, self._end_streams, self._termination)


class ApiServer(uvicorn.Server):
    """Server that ends its streams at shutdown instead of waiting for them."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None], termination: Termination) -> None:
        super().__init__(config)
        self._end_streams = end_streams
        self._termination = termination

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM:
            if self._termination.requested:
                return  # uvicorn would exit at once on a second one
            if self._termination.begins_to_drain():
                return
            self._termination.request()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_streams()
        await super().shutdown(sockets)


def _announce(url: str) -> None:
    print(f"[Fooocus API] {url}/docs", flush=True)


def _url_host(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # nosec B104  # compared, not bound to
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _with_numeric_host(url: str) -> str:
    """Return a URL with 127.0.0.1 in place of localhost, which Gradio prints with --listen: that port is IPv4 only, and Windows
    tries ::1 first, for two seconds per new connection."""
    parts = urlsplit(url)
    if parts.hostname != "localhost":
        return url
    netloc = "127.0.0.1" if parts.port is None else f"127.0.0.1:{parts.port}"
    return parts._replace(netloc=netloc).geturl()
