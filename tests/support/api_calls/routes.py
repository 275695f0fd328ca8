"""All routes of the API, hidden ones too, without a host."""

from __future__ import annotations

import importlib
import pkgutil
from inspect import signature
from types import SimpleNamespace
from typing import Any

from fastapi import APIRouter

from fooocus_api.adapters.models.catalog import FooocusCatalog
from fooocus_api.adapters.models.presets import FooocusPresets
from fooocus_api.api import routes
from fooocus_api.api.schemas.host_request import request_model
from fooocus_api.tasks.ports.host_arguments import Bounds


def all_routes() -> list[Any]:
    """Return the routes of every module below `api.routes`, whose router is made once or for each host."""
    arguments = SimpleNamespace(
        default=lambda _: None, places=dict, bounds=lambda *_: Bounds(), extra_fields=lambda _: {}, list_sizes=dict
    )
    host = SimpleNamespace(catalog=FooocusCatalog(), presets=FooocusPresets(), arguments=arguments)
    context: Any = SimpleNamespace(host=host, service=None)
    names = [module.name for module in pkgutil.walk_packages(routes.__path__, f"{routes.__name__}.")]
    modules = [module for module in map(importlib.import_module, names) if hasattr(module, "router")]
    model = request_model(context)
    routers = [
        one if isinstance(one, APIRouter) else one(*(context, model)[: len(signature(one).parameters)])
        for one in (module.router for module in modules)
    ]
    return [route for router in routers for route in router.routes]


NO_ID = "0" * 32
"""The id of no task, batch or download."""


def filled(path: str) -> str:
    """Return a path of the schema with names of nothing in place of its parameters."""
    ids = dict.fromkeys(("task_id", "batch_id", "download_id"), NO_ID)
    return path.format(
        **ids, node="node-1", date="2026-01-01", file_name="x.png", folder="loras", name="none.safetensors"
    )
