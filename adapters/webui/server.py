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
from collections.abc import Awaitable, Callable, MutableMapping
from types import FrameType, ModuleType
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.routing import Match

from ..patching.hooks import Patches, host_module
from ..startup.launch_flags import Settings
from ..startup.termination import Termination
from . import form_limits
from .file_access import FileAccess
from .login import WebUILogin
from .ports import first_free_port, is_free, skip_taken

log = logging.getLogger("fooocus_api.server")

Scope = MutableMapping[str, Any]
AsgiApp = Callable[[Scope, Callable[..., Awaitable[Any]], Callable[..., Awaitable[None]]], Awaitable[None]]

SHUTDOWN_TIMEOUT_S = 1
"""Seconds that open connections get at shutdown: without it, a stream would delay Ctrl-C until its task ends."""
FILE_ROUTES = ("/file=", "/file/")
"""Prefixes of Gradio's file routes; the file's path follows."""
SANDBOX = b"sandbox allow-scripts allow-modals allow-popups allow-popups-to-escape-sandbox allow-downloads"
"""Permissions that the log page needs: its buttons copy parameters and show an alert, its images can be opened and saved."""
NOT_STARTED = "the API could not be started; Fooocus's console says why"


class Server:
    """Serves the API. `api` is None until the WebUI is built, and stays None if the patches failed."""

    def __init__(
        self,
        paths: frozenset[str],
        is_misspelt: Callable[[str], bool],
        build: Callable[[], AsgiApp],
        settings: Callable[[], Settings],
        serving: Callable[[str], None],
        leave: Callable[[], None],
        guard: Callable[[AsgiApp], AsgiApp],
        guard_webui: Callable[[AsgiApp], AsgiApp],
        outermost: Callable[[AsgiApp], AsgiApp],
        refuse: Callable[[int, str], AsgiApp],
        files: FileAccess,
    ) -> None:
        """Store the dependencies.

        Args:
            paths: the first path segments of the API.
            is_misspelt: returns whether another first segment is a misspelt one of the API.
            build: builds the API when the WebUI is about to start.
            settings: returns the launch settings.
            serving: receives the address once it is known.
            leave: ends all waiting requests when the server shuts down.
            guard, guard_webui: wrap the API and Gradio's app in their cross-origin protection.
            outermost: wraps everything that a port serves.
            refuse: builds the response with which a request is refused.
            files: the host's files that `/file=` may serve.
        """
        self.paths = paths
        self.is_misspelt = is_misspelt
        self.serving = serving
        self.leave = leave
        self.login = WebUILogin()
        self.termination = Termination()
        self.guard = guard
        self.guard_webui = guard_webui
        self.outermost = outermost
        self.refuse = refuse
        self.files = files
        self.api: AsgiApp | None = None
        self.shared: str | None = None
        """Public address of `--share`, once Gradio has one."""
        self._build = build
        self._settings = settings

    def patch_routes(self, routes: ModuleType, hooks: Patches) -> None:
        """Put the gate in front of every app that `gradio.routes.App.create_app` builds."""

        def create_app(wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            app = wrapped(*args, **kwargs)
            build_middleware_stack = app.build_middleware_stack
            app.build_middleware_stack = lambda: self.outermost(
                ApiGate(self, self.guard_webui(build_middleware_stack()), app)
            )
            return app

        hooks.wrap(routes, "App.create_app", create_app)

    def patch_blocks(self, blocks: ModuleType, hooks: Patches) -> None:
        """Start the API when the WebUI's `gradio.blocks.Blocks.launch` is called."""

        def launch(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            shared = host_module("shared")
            if shared is None or instance is not shared.gradio_root:
                return wrapped(*args, **kwargs)
            settings = self._settings()
            try:
                self.login.watch(instance, inspect.signature(wrapped).bind(*args, **kwargs).arguments.get("auth"))
                self.api = self.guard(self._build())
                if settings.api_port is not None:
                    self._serve_beside(self.api, settings)
            except Exception:
                log.exception("the API could not be started; Fooocus goes on without it")
                self.api = self.api or self.refuse(503, NOT_STARTED)
            if settings.nowebui:
                return self._serve_alone(self.api, settings)
            return self._serve_webui(lambda: wrapped(*args, **kwargs), instance)

        hooks.wrap(blocks, "Blocks.launch", launch)

    def patch_networking(self, networking: ModuleType, hooks: Patches) -> None:
        """Print the API's address once `gradio.networking.start_server` has found its port."""

        def start_server(wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            started = wrapped(*args, **kwargs)
            if self.api is not None:
                self._is_at(str(started[2]).rstrip("/"))
            return started

        def close(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            self._let_go()
            instance.config.timeout_graceful_shutdown = SHUTDOWN_TIMEOUT_S
            return wrapped(*args, **kwargs)

        def setup_tunnel(wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            self.shared = wrapped(*args, **kwargs)
            return self.shared

        skip_taken(networking, hooks)
        hooks.wrap(networking, "setup_tunnel", setup_tunnel)
        hooks.wrap(networking, "start_server", start_server)
        hooks.wrap(networking, "Server.close", close)

    def _is_at(self, url: str) -> None:
        url = _by_number(url)
        _announce(url)
        try:
            self.serving(url)
        except Exception:
            log.exception("webhooks are not delivered")

    def _let_go(self) -> None:
        try:
            self.leave()
        except Exception:
            log.exception("streams could not be ended")

    def _serve_webui(self, launch: Callable[[], Any], blocks: Any) -> Any:
        """Let Gradio serve until Ctrl-C or SIGTERM; return at once if the launch does not block."""
        self.termination.begin_serving()
        try:
            return launch()
        except KeyboardInterrupt:
            if not self.termination.requested:
                raise
            with contextlib.suppress(Exception):  # Gradio was not waiting yet; its server may have started
                blocks.server.close()
        finally:
            self.termination.leave_if_requested()

    def _serve_alone(self, api: AsgiApp, settings: Settings) -> None:
        """Serve at the WebUI's address, until Ctrl-C."""
        port = settings.port if settings.port is not None else first_free_port(settings.listen)
        self._is_at(f"http://{_shown(settings.listen)}:{port}")
        self.termination.begin_serving()
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn re-raises it after a regular shutdown
            self._uvicorn(api, settings.listen, port).run()
        self.termination.leave_if_requested()

    def _serve_beside(self, api: AsgiApp, settings: Settings) -> None:
        assert settings.api_port is not None  # nosec B101  # for mypy, which can't know
        if not is_free(settings.listen, settings.api_port):
            print(f"[Fooocus API] Port {settings.api_port} is taken: the API is on the WebUI's port only.")
            return
        server = self._uvicorn(api, settings.listen, settings.api_port)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # not the main thread
        threading.Thread(target=server.run, name="fooocus-api-port", daemon=True).start()
        _announce(f"http://{_shown(settings.listen)}:{settings.api_port}")

    def _uvicorn(self, api: AsgiApp, host: str, port: int) -> uvicorn.Server:
        config = uvicorn.Config(
            self.outermost(api), host=host, port=port, log_level="warning", timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S
        )
        return ApiServer(config, self._let_go, self.termination)


class ApiServer(uvicorn.Server):
    """Server that ends its streams at shutdown instead of waiting for them."""

    def __init__(self, config: uvicorn.Config, let_go: Callable[[], None], termination: Termination) -> None:
        super().__init__(config)
        self._let_go = let_go
        self._termination = termination

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM:
            if self._termination.requested:
                return  # uvicorn would exit at once on a second one
            self._termination.request()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._let_go()
        await super().shutdown(sockets)


class ApiGate:
    """Middleware around a Gradio app: requests for the API's paths go to the API and bypass Gradio's routes, errors and CORS."""

    def __init__(self, server: Server, gradio_app: AsgiApp, routed: Any) -> None:
        """Wrap `gradio_app`. `routed` is the application inside it that has the routes."""
        self._server = server
        self._gradio_app = gradio_app
        self._routed = routed

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        app = await self._app_for(scope) if scope["type"] == "http" else self._gradio_app
        await app(scope, receive, send)

    async def _app_for(self, scope: Scope) -> AsgiApp:
        path = _route_path(scope)
        first = path[1:].partition("/")[0]
        if self._server.api is not None and (first in self._server.paths or self._is_misspelt(first, scope)):
            return self._server.api
        for route in FILE_ROUTES:
            if path.startswith(route):
                if refusal := await self._server.files.refusal_in_time(path.removeprefix(route)):
                    return self._server.refuse(*refusal)
                # With Gradio's login, images on a sandboxed page would fail: browsers send no cookie from its opaque origin.
                return self._gradio_app if self._server.login.needed else sandboxed(self._gradio_app)
        if problem := form_limits.problem_of(scope["headers"]):
            return self._server.refuse(*problem)
        return form_limits.with_content_type(self._gradio_app)

    def _is_misspelt(self, first: str, scope: Scope) -> bool:
        """Return whether a path is likely a misspelt API path and not a route of Gradio's app or of a fork."""
        return self._server.is_misspelt(first) and not any(
            route.matches(scope)[0] is not Match.NONE for route in self._routed.routes
        )


def sandboxed(app: AsgiApp) -> AsgiApp:
    """Return the app with a CSP sandbox on its responses, which makes their pages cross-origin to the API.

    Fooocus writes prompts into log.html unescaped, including tags and scripts.
    """

    async def answer(scope: Scope, receive: Any, send: Any) -> None:
        async def say(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", SANDBOX)]
            await send(message)

        await app(scope, receive, say)

    return answer


def _route_path(scope: Scope) -> str:
    """Return the path that Gradio's app matches its routes against: without the prefix of GRADIO_ROOT_PATH."""
    path, prefix = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(prefix) if prefix and path.startswith(f"{prefix}/") else path


def _announce(url: str) -> None:
    print(f"[Fooocus API] {url}/docs", flush=True)


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # nosec B104  # compared, not bound to
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _by_number(url: str) -> str:
    """Return a URL with 127.0.0.1 in place of localhost, which Gradio prints with --listen: that port is IPv4 only, and Windows
    tries ::1 first, for two seconds per new connection."""
    parts = urlsplit(url)
    if parts.hostname != "localhost":
        return url
    netloc = "127.0.0.1" if parts.port is None else f"127.0.0.1:{parts.port}"
    return parts._replace(netloc=netloc).geturl()
