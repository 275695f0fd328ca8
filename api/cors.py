"""Which other sites' pages may use the API in their visitors' browsers: `--api-cors`, and nothing of Gradio's `*`."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

READABLE = [
    "Accept-Ranges",
    "Content-Location",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "WWW-Authenticate",
    "X-Ignored-Fields",
    "X-Page",
    "X-Page-Size",
    "X-Task-Id",
    "X-Total-Capped",
    "X-Total-Count",
    "X-Total-History",
    "X-Total-Pending",
]
"""Headers of our answers that their scripts may read."""
PREFLIGHT_SECONDS = 600


def add_cors(app: FastAPI, origins: Sequence[str]) -> None:
    """Answer preflights for these sites and let them read answers; `*` are all. Nothing when there are none.

    No cookies: a site that may use the API brings a key where one is needed.
    """
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=READABLE,
            allow_private_network=True,
            max_age=PREFLIGHT_SECONDS,
        )
