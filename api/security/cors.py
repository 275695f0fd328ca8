"""CORS: only the origins of `--api-cors` may use the API from a browser, in place of Gradio's `*`."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

READABLE = [
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Location",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Mcp-Session-Id",
    "Preference-Applied",
    "Retry-After",
    "WWW-Authenticate",
    "X-Fooocus-Model",
    "X-Ignored-Fields",
    "X-Page",
    "X-Page-Size",
    "X-Should-Retry",
    "X-Task-Id",
    "X-Total-Capped",
    "X-Total-Count",
    "X-Total-History",
    "X-Total-Pending",
]
"""Response headers that scripts of these origins may read."""
PREFLIGHT_S = 600


def add_cors(app: FastAPI, origins: Sequence[str]) -> None:
    """Answer preflights from these origins and let them read responses; `*` allows all. Do nothing for an empty list.

    Credentials stay disallowed: a page of another origin sends a key, not the visitor's cookies.
    """
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=READABLE,
            allow_private_network=True,
            max_age=PREFLIGHT_S,
        )
