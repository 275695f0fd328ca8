"""Serves the page at `/dashboard`: a shell that is the same for everyone, and its assets. They hold no data and need no key."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp

from ..asgi.fixed_files.files import FixedFile
from ..asgi.fixed_files.serving import REVALIDATE, FixedPages
from .page_files import PageFiles, read_page_files

ROOT = "/dashboard"
ASSETS = f"{ROOT}/assets/"
LINK = f"{ROOT}/webui_link.js"
"""The script that puts the link to the page into the WebUI."""
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types fooocus",
    ]
)
"""The Content-Security-Policy, also of the assets: a worker has that of its own script."""
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}


class DashboardPage(FixedPages[PageFiles]):
    """ASGI middleware that answers the requests below `/dashboard`."""

    remedy = "reload the page"

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, ROOT, POLICY, read_page_files)

    def find(self, files: PageFiles, path: str) -> tuple[FixedFile, Mapping[str, str]] | None:
        """Return the shell, the script of the WebUI's link, or an asset of this version."""
        if path in files.shells:
            return files.shells[path], REVALIDATE
        if path == LINK:
            return files.link, REVALIDATE
        if not path.startswith(ASSETS):
            return None
        version, _, name = path.removeprefix(ASSETS).partition("/")
        file = files.assets.get(name) if version == files.version else None
        return None if file is None else (file, IMMUTABLE)
