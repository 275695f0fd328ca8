"""Serves the documentation at `/guide`. It is the same for everyone, holds no data and needs no key.

`pages` has the site as files, not as an archive: they open from the disk, their changes can be read in git, which stores them
compressed, and a page is sent as it is read. `docs/build.py` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from ..asgi.fixed_files.files import FixedFile, read_folder
from ..asgi.fixed_files.serving import REVALIDATE, FixedPages

PAGES = Path(__file__).parent / "pages"
ROOT = "/guide"
CHINESE = "zh"
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # signs in the theme's style
        "connect-src 'self'",  # the search reads the pages that it found
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The Content-Security-Policy: no script or style in a page, and nothing of another host."""
Files = dict[str, FixedFile]


class GuidePages(FixedPages[Files]):
    """ASGI middleware that answers the requests below `/guide`. `--no-dashboard` leaves it: it shows nothing of this machine."""

    remedy = "begin at /guide/"

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, ROOT, POLICY, lambda: read_folder(PAGES))

    def find(self, files: Files, path: str) -> tuple[FixedFile, Mapping[str, str]] | None:
        """Return the page or the file that a page names."""
        name = path.removeprefix(f"{ROOT}/")
        file = files.get(f"{name}index.html" if name == "" or name.endswith("/") else name)
        return None if file is None else (file, {**REVALIDATE, "Vary": "Accept-Language"} if name == "" else REVALIDATE)

    def redirect(self, path: str, headers: Headers) -> Response | None:
        """Return the way to a folder's page, and from `/guide/` to the Chinese one for a browser that prefers Chinese.

        The addresses are relative, so that they keep the path of a proxy. `/guide/index.html` is English for everyone.
        """
        if path == ROOT:
            return RedirectResponse("guide/", headers=REVALIDATE)
        if path == f"{ROOT}/{CHINESE}":
            return RedirectResponse("zh/", headers=REVALIDATE)
        if path == f"{ROOT}/" and _prefers_chinese(headers.get("accept-language", "")):
            return RedirectResponse("zh/", headers={**REVALIDATE, "Vary": "Accept-Language"})
        return None


def _prefers_chinese(accepted: str) -> bool:
    """Return whether Chinese comes before English in an Accept-Language header."""
    best = {"zh": 0.0, "en": 0.0}
    for entry in accepted[:1000].split(","):
        tag, _, parameter = entry.partition(";")
        name, _, weight = parameter.partition("=")
        language = tag.strip().lower().partition("-")[0]
        if language in best:
            try:
                best[language] = max(best[language], float(weight) if name.strip().lower() == "q" else 1.0)
            except ValueError:
                continue
    if best["zh"] != best["en"]:
        return best["zh"] > best["en"]
    return best["zh"] > 0 and accepted.lower().find("zh") < accepted.lower().find("en")
