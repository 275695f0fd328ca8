"""Builds the routes of an application before its first request."""

from __future__ import annotations

from fastapi import FastAPI


def build_routes(app: FastAPI) -> None:
    """Make FastAPI build every route now, which it otherwise does on the event loop when a route is first matched."""
    nowhere = {"type": "http", "method": "GET", "path": "/-", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nowhere)
