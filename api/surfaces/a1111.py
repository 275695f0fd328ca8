"""The routers of AUTOMATIC1111's API."""

from __future__ import annotations

from fastapi import APIRouter

from ..compat.a1111 import options, progress
from ..compat.a1111.generation import route
from ..compat.a1111.jobs import Jobs
from ..compat.a1111.lists import extensions, models, sampling
from ..compat.a1111.tools import extras, interrogate, memory, png_info
from ..context import Context
from ..schemas.generate import CommonRequest


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
