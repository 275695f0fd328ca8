"""`/healthz`, `/readyz` and `/metrics`: monitoring of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from ...auth.keys import Scope
from ..context import ApiContext, Context
from ..requests.parameter_names import NamingRoute
from ..responses.problems import responses
from ..security.authorization import require_scope

T = TypeVar("T")
REMEMBERED_S = 1.0


class Health(BaseModel):
    """The state of this process: its worker, its models and its history."""

    status: str = Field(description="`ok`, or the problem.")
    worker_alive: bool = Field(description="True if Fooocus's worker thread is running.")
    model_loaded: bool = Field(
        description="True if a checkpoint is in memory; after `/v1/engine/unload` the next task loads it."
    )
    database_writable: bool = Field(description="True if the history can be written now.")


class Remembered(Generic[T]):
    """Caches the result of a check for a second: the routes need no key, and each check writes to the disk."""

    def __init__(self, ask: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def __call__(self) -> T:
        """Return the result, at most REMEMBERED_S old."""
        with self._lock:
            if self._kept is None or self._clock() - self._kept[0] >= REMEMBERED_S:
                answer = self._ask()
                self._kept = self._clock(), answer
            return self._kept[1]


def history_check(context: Context) -> Remembered[str | None]:
    """Return the check of the history for an application's state; it returns the reason if the history can't be written."""
    services = context.task_services
    return Remembered(services.tasks.unwritable if services is not None else lambda: "the API has no history")


router = APIRouter(tags=["health"], route_class=NamingRoute)


@router.get(
    "/healthz",
    summary="Liveness",
    response_model=Health,
    responses={503: {"model": Health, "description": "It can't generate images; `status` has the reason."}},
)
def healthz(context: ApiContext, request: Request) -> Response:
    """Report whether the worker thread is alive and the history can be written. Needs no key."""
    return _health(context, request.app.state.history_check, needs_start=False)


@router.get(
    "/readyz",
    summary="Readiness",
    response_model=Health,
    responses={503: {"model": Health, "description": "Not ready; `status` has the reason."}},
)
def readyz(context: ApiContext, request: Request) -> Response:
    """Report the same as `/healthz`, and whether Fooocus has loaded its models once. Stays ready after `/v1/engine/unload`,
    as the next task loads them again; `model_loaded` reports whether they are in memory. Needs no key."""
    return _health(context, request.app.state.history_check, needs_start=True)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    dependencies=[require_scope(Scope.ADMIN)],
    responses={200: {"content": {"text/plain": {}}}, **responses(401, 403, 429, 503)},
)
def metrics(context: ApiContext) -> Response:
    """Return queue length, seconds of tasks and steps, events, subscribers, webhook deliveries and GPU memory."""
    return Response(context.services.metrics.render(), media_type=CONTENT_TYPE_LATEST)


def _health(context: Context, history: Remembered[str | None], *, needs_start: bool) -> Response:
    host = context.host.status()
    why_not = history()
    problem = (
        "the API can't work with this Fooocus; /v1/info and Fooocus's console have the reason"
        if host.problem
        else f"history can't be written: {why_not}"
        if why_not is not None
        else host.no_worker
        if not host.worker_alive
        else "Fooocus is still loading"
        if needs_start and not host.has_started
        else None
    )
    body = Health(
        status=problem or "ok",
        worker_alive=host.worker_alive,
        model_loaded=host.model_loaded,
        database_writable=why_not is None,
    )
    return JSONResponse(body.model_dump(), 503 if problem else 200, headers={"Cache-Control": "no-store"})
