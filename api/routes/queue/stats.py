"""`/v1/stats`: the last day, minute by minute."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from ....auth.keys import Scope
from ....tasks.statistics.statistics import INTERVAL_S
from ...context import ApiContext
from ...requests.parameter_names import NamingRoute
from ...responses.problems import responses
from ...security.authorization import require_scope
from .schemas import StatsResponse, sample_values

Hours = Annotated[int, Query(ge=1, le=24, description="The number of hours to return.")]

router = APIRouter(tags=["queue"], route_class=NamingRoute, dependencies=[require_scope(Scope.READ_ALL)])


@router.get("/v1/stats", summary="Statistics of the last day", responses=responses(401, 403, 422, 503))
def stats(context: ApiContext, hours: Hours = 24) -> StatsResponse:
    """Return the queue's length, images, seconds per step, memory and free disk of each minute since the start of Fooocus."""
    samples = [
        sample_values(sample) for sample in context.services.overview.statistics.last(hours * 3600 // INTERVAL_S)
    ]
    columns = {name: [sample[name] for sample in samples] for name in samples[-1]}
    return StatsResponse(interval_seconds=INTERVAL_S, **columns)
