"""The routes of an application, built before its first request, and their paths."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute


def build_routes(app: FastAPI) -> None:
    """Make FastAPI build every route now, which it otherwise does on the event loop when a route is first matched."""
    nowhere = {"type": "http", "method": "GET", "path": "/-", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nowhere)


def documented_paths(routers: Iterable[APIRouter]) -> list[str]:
    """Return the paths of routers, short of those that the schema leaves out. An application no longer lists them itself."""
    return [
        route.path_format
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
    ]
