"""Authorization: a client's scopes and the tasks and images visible to it. `authentication` sets it before a route runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Depends, Request

from ...asgi.error_codes import ErrorCode
from ...auth.keys import ALL_SCOPES, UNLIMITED, Key, KeyQuota, Scope
from ...tasks.model.task import Task
from ...tasks.service import UnknownTask
from ..context import Context
from ..responses.problems import Problem

RECHECK_INTERVAL_S = 0.5
"""Seconds between two checks of a stream's access: a stream outlives its key's revocation by about this time."""
NO_SOURCE = "-"
"""A source that no task has."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
SCOPE_DESCRIPTIONS = {
    Scope.GENERATE: "generate, upload and describe images and to make masks",
    Scope.READ: "read the key's own tasks, their events and images",
    Scope.READ_ALL: "read all tasks, including the WebUI's",
    Scope.CONTROL: "stop, skip, move, tag and delete visible tasks and to set a priority above 0",
    Scope.ADMIN: "pause the queue, unload the models, download and delete model files, write and delete presets, manage keys and "
    "read the metrics",
}


@dataclass(frozen=True)
class Access:
    """A client's identity, which is the source of its tasks, its scopes and its quotas."""

    source: str
    scopes: frozenset[Scope] = ALL_SCOPES
    limits: KeyQuota = UNLIMITED
    key: Key | None = None
    by: Literal["key", "session", "token"] | None = None
    """The proof of the right that the client has sent."""

    @classmethod
    def of_key(cls, key: Key, by: Literal["key", "session"] = "key") -> Access:
        """Return the access that a key grants."""
        return cls(key.name, key.scopes, key.limits, key, by)

    @property
    def sees_all(self) -> bool:
        return Scope.READ_ALL in self.scopes

    @property
    def only(self) -> str | None:
        """The one source whose tasks the client may see, None if it may see all."""
        return None if self.sees_all else self.source

    def sources(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Return the sources to list, restricted to those visible to the client; empty for all."""
        if self.sees_all:
            return wanted
        return (self.source,) if not wanted or self.source in wanted else (NO_SOURCE,)

    def may(self, scope: Scope) -> bool:
        """Return whether the client has this scope or one that includes it."""
        return scope in self.scopes or (scope is Scope.READ and self.sees_all)

    def require(self, scope: Scope) -> None:
        """Raise unless the client has this scope.

        Raises:
            Problem: 403, naming the scope.
        """
        if self.may(scope):
            return
        message = f"key lacks the scope '{scope.value}', which is required to {SCOPE_DESCRIPTIONS[scope]}"
        raise Problem(ErrorCode.INSUFFICIENT_SCOPE, message, scope=scope.value)


FULL_ACCESS = Access("api")
"""Access of every request if no key is needed."""
SIGNED_URL_ACCESS = Access("link", frozenset({Scope.READ_ALL}))
"""Access of a request with a signed URL, which is valid for one image."""
NO_ACCESS = Access("", frozenset())
"""Access of a request that needs a key and has none, where that is no error."""


def access_of(request: Request) -> Access:
    """Return the access of the client that sent the request."""
    access: Access = request.state.access
    return access


class _Needs:
    """A dependency's callable that exposes the scope it requires."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> None:  # async: it never blocks, so it needs no thread
        access_of(request).require(self.scope)


def require_scope(scope: Scope) -> Any:
    """Return a route dependency that requires this scope."""
    return Depends(_Needs(scope))


def scope_of(dependency: Any) -> Scope | None:
    """Return the scope that a route's dependency requires, None if it requires none."""
    needed = getattr(dependency, "dependency", None)
    return needed.scope if isinstance(needed, _Needs) else None


def access_watcher(request: Request, scope: Scope, further: Collection[Scope] = ()) -> Callable[[], bool]:
    """Return a callable that re-checks whether the client still has `scope` and the further scopes.

    It returns False once the key is revoked or has lost a scope, or once a request without a key needs one. A client that
    began with `read-all` must keep `read-all`. False is final. Access is evaluated at most every `RECHECK_INTERVAL_S`, as
    hundreds of streams may each send hundreds of events a second.
    """
    before = access_of(request)
    used = Scope.READ_ALL if scope is Scope.READ and before.sees_all else scope
    looked, lasts = 0.0, True

    def ask() -> bool:
        nonlocal looked, lasts
        now = time.monotonic()
        if not lasts or now - looked < RECHECK_INTERVAL_S:
            return lasts
        looked = now
        try:
            access: Access = request.state.access_now()
        except Problem:
            lasts = False
        else:
            lasts = access.source == before.source and all(map(access.may, (used, *further)))
        return lasts

    return ask


def may_see(request: Request, task: Task) -> bool:
    """Return whether the client may see a task."""
    return access_of(request).only in (None, task.source)


async def visible_task(context: Context, request: Request, task_id: str) -> Task:
    """Return a task in its current state.

    Raises:
        UnknownTask: the task does not exist or the client may not see it: one error, so that it does not reveal which.
    """
    task_id = as_stored(task_id)
    task = await context.services.tasks.get(task_id)
    if not may_see(request, task):
        raise UnknownTask(task_id)
    return task


def as_stored(task_id: str) -> str:
    """Return an id as the database stores it: 32 digits in lower case for a UUID with hyphens, any other text unchanged."""
    return task_id.replace("-", "").lower() if _UUID.fullmatch(task_id) else task_id


def may_see_image(context: Context, request: Request) -> Callable[[str], bool]:
    """Return a predicate: may the client see the image of a reference, `inputs/…` or `outputs/…`? Off the event loop."""
    source = access_of(request).only
    if source is None:
        return lambda _: True
    ownership = context.services.ownership
    return lambda reference: ownership.owns(source, reference)
