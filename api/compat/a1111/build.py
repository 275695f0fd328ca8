"""The routers of this API."""

from __future__ import annotations

from fastapi import APIRouter

from ...context import Context
from ...schemas.generate import CommonRequest
from . import options, progress
from .generation import route
from .jobs import Jobs
from .lists import extensions, models, sampling
from .tools import extras, interrogate, memory, png_info


def routers(context: Context, model: type[CommonRequest]) -> list[APIRouter]:
    """Return the routers; `model` is that of a generate request on the running host."""
    jobs = Jobs()
    return [
        route.router(context, model, jobs),
        progress.router(jobs),
        options.router,
        models.router,
        sampling.router,
        extensions.router,
        extras.router(context, model, jobs),
        png_info.router,
        interrogate.router,
        memory.router,
    ]
