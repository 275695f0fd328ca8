"""What whoever sent a request may do and see. Set by `auth` before any route runs, asked by the routes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request

from ..tasks.keys import ALL_SCOPES, NO_LIMITS, Key, KeyLimits, Scope
from ..tasks.service import UnknownTask
from ..tasks.task import Task
from .context import Context
from .errors import Problem

LOOK_AGAIN = 0.5
"""Seconds that a stream may go on after its key was revoked."""
NOBODY = "-"
"""A source that no task has."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
MEANINGS = {
    Scope.GENERATE: "draw, upload images, describe them and make masks",
    Scope.READ: "read its own tasks, their events and images",
    Scope.READ_ALL: "read everyone's tasks, the WebUI's too",
    Scope.CONTROL: "stop, skip, move and delete the tasks that it may see, or let its own go first",
    Scope.ADMIN: "unload the models and read the metrics",
}


@dataclass(frozen=True)
class Access:
    """Who it is, as the source of its tasks, and what it may do."""

    source: str
    scopes: frozenset[Scope] = ALL_SCOPES
    limits: KeyLimits = NO_LIMITS
    key: Key | None = None

    @classmethod
    def of_key(cls, key: Key) -> Access:
        """Return what the owner of a key may do."""
        return cls(key.name, key.scopes, key.limits, key)

    @property
    def sees_all(self) -> bool:
        return Scope.READ_ALL in self.scopes

    @property
    def only(self) -> str | None:
        """The one source whose tasks it may see, None when it may see all."""
        return None if self.sees_all else self.source

    def sources(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The sources a list of tasks may have, of those that are wanted; empty for all there are."""
        if self.sees_all:
            return wanted
        return (self.source,) if not wanted or self.source in wanted else (NOBODY,)

    def may(self, scope: Scope) -> bool:
        """Whether it has that scope, or one that includes it."""
        return scope in self.scopes or (scope is Scope.READ and self.sees_all)

    def require(self, scope: Scope) -> None:
        """Go on if it has that scope.

        Raises:
            Problem: 403, naming the scope.
        """
        if self.may(scope):
            return
        message = f"this key may not {MEANINGS[scope]}: it lacks the scope '{scope.value}'"
        raise Problem(403, message, scope=scope.value)


EVERYTHING = Access("api")
"""Where no key is needed."""
BY_LINK = Access("link", frozenset({Scope.READ_ALL}))
"""Of a request by a signed link: it opens the one image that it leads to."""


def access_of(request: Request) -> Access:
    """What whoever sent it may do."""
    access: Access = request.state.access
    return access


class _Needs:
    """A dependency's callable that knows which scope it asks for."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> None:  # async, as it waits for nothing and needs no thread
        access_of(request).require(self.scope)


def needs(scope: Scope) -> Any:
    """Return a dependency: the route is for those who have this scope."""
    return Depends(_Needs(scope))


def scope_of(dependency: Any) -> Scope | None:
    """Return the scope that a route's dependency asks for, None when it asks for none."""
    needed = getattr(dependency, "dependency", None)
    return needed.scope if isinstance(needed, _Needs) else None


def still_may(request: Request, scope: Scope) -> Callable[[], bool]:
    """Return a function that asks anew whether whoever sent a request may go on with what that scope has let them begin.

    They may not when their key is revoked or has lost the scope, nor when they came without a key and one is needed now. Who
    reads as one who sees everyone's tasks needs to see everyone's to the end. A right that has ended does not come back. It
    looks once in `LOOK_AGAIN`, however often it is asked: hundreds of streams may be told of hundreds of steps a second.
    """
    before = access_of(request)
    used = Scope.READ_ALL if scope is Scope.READ and before.sees_all else scope
    looked, lasts = 0.0, True

    def ask() -> bool:
        nonlocal looked, lasts
        now = time.monotonic()
        if not lasts or now - looked < LOOK_AGAIN:
            return lasts
        looked = now
        try:
            access: Access = request.state.access_now()
        except Problem:
            lasts = False
        else:
            lasts = access.source == before.source and access.may(used)
        return lasts

    return ask


def may_see(request: Request, task: Task) -> bool:
    """Whether a task is shown to whoever sent the request."""
    return access_of(request).only in (None, task.source)


async def visible_task(context: Context, request: Request, task_id: str) -> Task:
    """A task as it is now.

    Raises:
        UnknownTask: there is none of that id, or none that they may see: nobody learns which.
    """
    task_id = as_stored(task_id)
    task = await context.tasks().get(task_id)
    if not may_see(request, task):
        raise UnknownTask(task_id)
    return task


def as_stored(task_id: str) -> str:
    """Return the 32 digits of an id that is written as a UUID, with hyphens and in either case."""
    return task_id.replace("-", "").lower() if _UUID.fullmatch(task_id) else task_id


def may_see_image(context: Context, request: Request) -> Callable[[str], bool]:
    """A function that tells whether they may see the image of a reference, `inputs/…` or `outputs/…`. Off the event loop."""
    source = access_of(request).only
    if source is None:
        return lambda _: True
    ownership = context.tasks().ownership
    return lambda reference: ownership.owns(source, reference)
